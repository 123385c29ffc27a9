import assert from "node:assert/strict";
import { createHash, X509Certificate } from "node:crypto";
import { describe, test } from "node:test";
import "reflect-metadata";
import {
  AttachPolicyCommand,
  CreateCertificateFromCsrCommand,
  DescribeProvisioningTemplateCommand,
  GetRegistrationCodeCommand,
  ListThingPrincipalsCommand,
  RegisterCACertificateCommand,
  UpdateCertificateCommand,
} from "@aws-sdk/client-iot";
import { OwnerCA, registrationConfig } from "../../certs/owner-ca.ts";
import { AwsRegistrar } from "../../sim/phone/aws.ts";
import { createClaim } from "../../sim/phone/fleet.ts";
import type { ProcessEvent } from "../../sim/start/json-process.ts";
import { IdentityRig, roleArn, templateName } from "./identity-rig.ts";
import { makeRequest } from "./iot-rig.ts";

async function withRig(run: (rig: IdentityRig) => Promise<void>): Promise<void> {
  const rig = await IdentityRig.open();
  try {
    await run(rig);
  } finally {
    await rig.close();
  }
}

async function certificatesOf({ iot }: IdentityRig, thingName: string): Promise<string[]> {
  const { principals = [] } = await iot.send(new ListThingPrincipalsCommand({ thingName }));
  return principals.map((arn) => arn.replace(/^.*\//, ""));
}

// They wait more than they work: side by side.
describe("identities", { concurrency: 3 }, () => {
  test("(b) key and certificate from the app", { timeout: 120_000 }, () =>
    withRig(async (rig) => {
      await rig.joinWiFi();
      const { cloud } = rig.line;
      const thingName = "camera-with-given-key";
      const { key, csr } = await makeRequest(thingName);
      const registrar = new AwsRegistrar({ cloud, rootCA: rig.rootCA });
      const { endpoint, certPem } = await registrar.registerThing({ thingName, csrPem: csr });
      const fields = { thingName, endpoint, certPem, privKey: key, rootCA: rig.rootCA };
      await rig.ask("camera-cert", { type: "RegisterDevice", ...fields });
      const info = await rig.online();
      assert.equal(info.thingName, thingName);
      assert.equal(info.certificateId, createHash("sha256").update(new X509Certificate(certPem).raw).digest("hex"));
    }),
  );

  test(
    "(c) just in time: a certificate of the owner's own authority, first connection dropped, second accepted",
    {
      timeout: 120_000,
    },
    () =>
      withRig(async (rig) => {
        const { iot, rootCA, line } = rig;
        const authority = await OwnerCA.open(rig.path("owner"));
        const { registrationCode } = await iot.send(new GetRegistrationCodeCommand({}));
        const request = {
          caCertificate: authority.certPem,
          verificationCertificate: await authority.verification(registrationCode!),
          setAsActive: true,
          allowAutoRegistration: true,
          registrationConfig: await registrationConfig(roleArn),
        };
        await iot.send(new RegisterCACertificateCommand(request));
        const thingName = "camera-just-in-time";
        const { keyPem: key, certPem: certificate } = await authority.device(thingName);
        await line.label;
        await rig.cutPower(async () => {
          await rig.flash("identity0", { thingName, endpoint: line.cloud.mqtt.endpoint, certificate, key, rootCA });
          await rig.flash("identity", { slot: 0 });
        });
        await rig.joinWiFi();
        const info = await rig.online();
        assert.deepEqual(await certificatesOf(rig, thingName), [info.certificateId]);
        const steps = rig.events.filter(
          ({ event, clientId }) => /connect|refuse/.test(event) && clientId === thingName,
        );
        assert.deepEqual(
          steps.map(({ event }) => event),
          ["refuse", "connect"],
        );
      }),
  );

  /** A claim for all cameras of a product: a certificate that may only provision. */
  async function productClaim({ iot, line, rootCA }: IdentityRig) {
    const { key, csr } = await makeRequest("claim");
    const made = await iot.send(
      new CreateCertificateFromCsrCommand({ certificateSigningRequest: csr, setAsActive: true }),
    );
    await iot.send(new AttachPolicyCommand({ policyName: "devicelink-claim", target: made.certificateArn }));
    return {
      endpoint: line.cloud.mqtt.endpoint,
      template: templateName,
      certificate: made.certificatePem,
      key,
      rootCA,
    };
  }

  test(
    "(d) a claim from the factory: the camera gets its own identity as soon as it has Wi-Fi",
    { timeout: 120_000 },
    () =>
      withRig(async (rig) => {
        const claim = await productClaim(rig);
        await rig.line.label;
        await rig.cutPower(() => rig.flash("enrolment", claim));
        const before = await rig.information();
        assert.equal(before.applyState, "enrolling");
        assert.equal(before.thingName, null);
        await rig.joinWiFi();
        const info = await rig.online();
        assert.equal(info.thingName, info.ownThingName);
        assert.deepEqual(await certificatesOf(rig, info.thingName!), [info.certificateId]);
        assert.equal(await rig.record("enrolment"), undefined, "the claim is gone");
        const clients = rig.events.filter(({ event }) => event === "connect").map(({ clientId }) => String(clientId));
        assert.match(clients[0], /^claim-/);
        assert.equal(clients.at(-1), info.thingName);
      }),
  );

  async function provisionByClaim(rig: IdentityRig): Promise<void> {
    const claim = await createClaim(rig.iot, templateName);
    const answer = await rig.ask("camera-cert", { type: "ProvisionByClaim", ...claim, rootCA: rig.rootCA });
    assert.equal(answer.applyState, "enrolling");
  }

  const isClaim = ({ clientId }: ProcessEvent) => String(clientId).startsWith("claim-");
  const isThing = ({ clientId }: ProcessEvent) => /^camera-/.test(String(clientId));
  const isPublished = (event: ProcessEvent, end: string) =>
    event.event === "publish" && String(event.topic).endsWith(end);

  const steps: [string, (event: ProcessEvent) => boolean][] = [
    ["the claim connects", (event) => event.event === "connect" && isClaim(event)],
    ["it subscribes", (event) => event.event === "subscribe" && isClaim(event)],
    ["it asks for the certificate", (event) => isPublished(event, "create-from-csr/json")],
    ["it registers", (event) => isPublished(event, "provision/json")],
    ["it is disconnected", (event) => event.event === "disconnect" && isClaim(event)],
    ["the new identity connects", (event) => event.event === "connect" && isThing(event)],
  ];

  test("(e) a claim of five minutes from a trusted user", { timeout: 120_000 }, () =>
    withRig(async (rig) => {
      await rig.joinWiFi();
      await provisionByClaim(rig);
      const info = await rig.online();
      assert.deepEqual(await certificatesOf(rig, info.thingName!), [info.certificateId]);
      assert.equal(await rig.record("enrolment"), undefined, "the claim is gone");
    }),
  );

  for (const [step, fits] of steps)
    test(`(e) power is cut when ${step}: the camera gets its identity`, { timeout: 180_000 }, () =>
      withRig(async (rig) => {
        await rig.joinWiFi();
        await rig.cutAt(fits, () => provisionByClaim(rig));
        const info = await rig.online();
        assert.equal(info.thingName, info.ownThingName);
        assert.ok((await certificatesOf(rig, info.thingName!)).includes(String(info.certificateId)));
        assert.equal(await rig.record("enrolment"), undefined, "the claim is gone");
      }),
    );

  test(
    "(e) the power went between the first step of the confirmation and the last: the claim is gone after the next start",
    {
      timeout: 120_000,
    },
    () =>
      withRig(async (rig) => {
        await rig.joinWiFi();
        const claim = await createClaim(rig.iot, templateName);
        await rig.ask("camera-cert", { type: "ProvisionByClaim", ...claim, rootCA: rig.rootCA });
        const { certificateId } = await rig.online();
        const pointer = JSON.parse((await rig.record("identity"))!.slice(1));
        const { template, endpoint, certPem: certificate, privKey: key } = claim;
        await rig.cutPower(async () => {
          await rig.flash("trial", pointer);
          await rig.flash("enrolment", { template, endpoint, certificate, key, rootCA: rig.rootCA });
          await rig.flash(`identity${1 - pointer.slot}`, { thingName: "old", endpoint, certificate, key });
        });
        assert.equal((await rig.online()).certificateId, certificateId);
        for (const record of ["trial", "enrolment", `identity${1 - pointer.slot}`])
          assert.equal(await rig.record(record), undefined, `${record} is gone`);
      }),
  );

  async function rotate(rig: IdentityRig, template = templateName): Promise<void> {
    const answer = await rig.ask("camera-cert", { type: "RotateCertificate", template });
    assert.equal(answer.applyState, "enrolling");
  }

  async function provisioned(rig: IdentityRig) {
    await rig.joinWiFi();
    await provisionByClaim(rig);
    return rig.online();
  }

  test("rotation: a new certificate for the same thing, and the old one can go", { timeout: 120_000 }, () =>
    withRig(async (rig) => {
      const { certificateId, thingName } = await provisioned(rig);
      await rotate(rig);
      const changed = await rig.until(
        "new certificate",
        (it) => it.state === "online" && it.certificateId !== certificateId,
      );
      assert.equal(changed.thingName, thingName);
      assert.equal(changed.applyState, "applied");
      await rig.iot.send(new UpdateCertificateCommand({ certificateId: String(certificateId), newStatus: "REVOKED" }));
      await rig.cutPower();
      assert.equal((await rig.online()).certificateId, changed.certificateId);
    }),
  );

  /** The first connection after the new certificate was registered is the one that tries it. */
  function isTried(): (event: ProcessEvent) => boolean {
    let isRegistered = false;
    return (event) => {
      isRegistered ||= isPublished(event, "provision/json");
      return isRegistered && event.event === "connect" && isThing(event);
    };
  }

  const rotationSteps: [string, (event: ProcessEvent) => boolean][] = [
    ["the session ends", (event) => event.event === "disconnect" && isThing(event)],
    ["it asks for the certificate", (event) => isPublished(event, "create-from-csr/json")],
    ["it registers", (event) => isPublished(event, "provision/json")],
    ["the new certificate is tried", isTried()],
  ];

  for (const [step, fits] of rotationSteps)
    test(`rotation: power is cut when ${step}, and it is done afterwards`, { timeout: 180_000 }, () =>
      withRig(async (rig) => {
        const { certificateId } = await provisioned(rig);
        await rig.cutAt(fits, () => rotate(rig));
        await rig.until("new certificate", (it) => it.state === "online" && it.certificateId !== certificateId);
      }),
    );

  test(
    "rotation by a template that is not there: back to the old certificate, and the reason is told",
    { timeout: 180_000 },
    () =>
      withRig(async (rig) => {
        const { certificateId } = await provisioned(rig);
        await rotate(rig, "elsewhere");
        await rig.until("reason", (it) => it.applyError !== null);
        const info = await rig.until(
          "old identity",
          (it) => it.state === "online" && it.applyState === "applied",
          150_000,
        );
        assert.equal(info.certificateId, certificateId);
      }),
  );

  test(
    "a claim with a list of endpoints, at one of which nobody is: the identity that comes of it has the list as well",
    { timeout: 120_000 },
    () =>
      withRig(async (rig) => {
        await rig.joinWiFi();
        const claim = await createClaim(rig.iot, templateName);
        const endpoint = ["localhost:1", claim.endpoint];
        const { rootCA } = rig;
        await rig.ask("camera-cert", { type: "ProvisionByClaim", ...claim, endpoint, rootCA });
        const { certificateId, endpoint: used } = await rig.online();
        assert.equal(used, claim.endpoint);
        const identity = [await rig.record("identity0"), await rig.record("identity1")].find(Boolean);
        assert.deepEqual(JSON.parse(identity!.slice(1)).endpoint, endpoint);
        await rig.ask("camera-cert", { type: "RotateCertificate", template: templateName });
        await rig.until("rotation", (info) => info.certificateId !== certificateId && info.applyState === "applied");
        assert.equal((await rig.online()).endpoint, claim.endpoint);
      }),
  );

  test("templates and claims with the SDK", { timeout: 60_000 }, () =>
    withRig(async ({ iot }) => {
      const template = await iot.send(new DescribeProvisioningTemplateCommand({ templateName }));
      assert.equal(template.enabled, true);
      assert.equal(JSON.parse(template.templateBody!).Resources.certificate.Type, "AWS::IoT::Certificate");
      await assert.rejects(createClaim(iot, "nothing"), { name: "ResourceNotFoundException" });
      const { expiration } = await createClaim(iot, templateName);
      assert.ok(expiration! > Date.now() + 290_000 && expiration! <= Date.now() + 300_000);
    }),
  );
});
