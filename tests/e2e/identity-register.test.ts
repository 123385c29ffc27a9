/**
 * RegisterDevice is a trial: whatever it brings, a camera that was good stays good, and the reason is told. Bad PEM, bad keys, roots that vouch for nobody here,
 * endpoints where nobody is, cuts of the power.
 */
import assert from "node:assert/strict";
import { createHash, createPublicKey, generateKeyPairSync, X509Certificate } from "node:crypto";
import { describe, test } from "node:test";
import "reflect-metadata";
import { OwnerCA } from "../../certs/owner-ca.ts";
import { AwsRegistrar } from "../../sim/phone/aws.ts";
import { createClaim } from "../../sim/phone/fleet.ts";
import type { ProcessEvent } from "../../sim/start/json-process.ts";
import { IdentityRig, type Information, templateName } from "./identity-rig.ts";

async function withRig(run: (rig: IdentityRig) => Promise<void>): Promise<void> {
  const rig = await IdentityRig.open();
  try {
    await rig.joinWiFi();
    await run(rig);
  } finally {
    await rig.close();
  }
}

const idOf = (pem: string) => createHash("sha256").update(new X509Certificate(pem).raw).digest("hex");

/** The fields of a RegisterDevice that is good: a certificate of the cloud's for a key that the camera has just made. */
async function goodFields(rig: IdentityRig, thingName: string) {
  const { cloud } = rig.line;
  const { csr } = await rig.ask("camera-cert", { type: "CreateCsr", thingName });
  const registrar = new AwsRegistrar({ cloud, rootCA: rig.rootCA });
  const { endpoint, certPem } = await registrar.registerThing({ thingName, csrPem: String(csr) });
  return { type: "RegisterDevice", thingName, endpoint, certPem, rootCA: rig.rootCA };
}

const register = (rig: IdentityRig, fields: object) => rig.ask("camera-cert", fields);

async function owned(rig: IdentityRig): Promise<Information> {
  await register(rig, await goodFields(rig, "camera-owned"));
  return rig.online();
}

const isBack = (certificateId: unknown) => (info: Information) =>
  info.state === "online" && info.applyState === "applied" && info.certificateId === certificateId;

/** An authority that has nothing to do with this cloud. */
async function strangerRoot(rig: IdentityRig): Promise<string> {
  return (await OwnerCA.open(rig.path("stranger"))).certPem;
}

const indented = (text: string) => text.replace(/^/gm, "    ");
const escaped = (text: string) => text.replaceAll("\n", "\\n");

// They wait more than they work: side by side.
describe("RegisterDevice", { concurrency: 3 }, () => {
  test(
    "on a camera that is online: what cannot be used is refused with the true reason, and the camera stays online",
    {
      timeout: 180_000,
    },
    () =>
      withRig(async (rig) => {
        const { certificateId } = await owned(rig);
        const good = await goodFields(rig, "camera-next");
        const { rootCA, certPem } = good;
        const body = certPem.split("\n").slice(1, -2).join("\n");
        const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "secp256k1" });
        const small = generateKeyPairSync("rsa", { modulusLength: 1024 });
        const pem = { type: "pkcs8", format: "pem" } as const;
        const own = createPublicKey(certPem).export({ type: "spki", format: "pem" });
        const encrypted = privateKey.export({ ...pem, cipher: "aes-128-cbc", passphrase: "secret" });
        const bad: [fields: object, code: string, words: RegExp][] = [
          [{ rootCA: "/certs/AmazonRootCA1.pem" }, "BadRoots", /the root certificate .*is no PEM/],
          [
            { rootCA: "-----BEGIN CERTIFICATE-----\\nMIIB\\n-----END CERTIFICATE-----\\n" },
            "BadRoots",
            /cannot be parsed/,
          ],
          [{ rootCA: rootCA.slice(0, -30) }, "BadRoots", /was cut/],
          [{ rootCA: rootCA + certPem.replace(body, "MIIB") }, "BadRoots", /cannot be parsed/],
          [{ rootCA: certPem }, "BadRoots", /no authority/],
          [{ certPem: body }, "BadCertificate", /without the lines -----BEGIN/],
          [{ certPem: certPem.slice(0, 500) }, "BadCertificate", /was cut/],
          [{ certPem: own }, "BadCertificate", /is a public key/],
          [{ certPem: privateKey.export(pem) }, "BadCertificate", /private key/],
          [{ certPem: rootCA }, "BadCertificate", /another key/],
          [{ certPem: rootCA + certPem }, "BadCertificate", /but not first/],
          [{ certPem: certPem + certPem }, "BadCertificate", /not issued by the next one/],
          [{ privKey: certPem }, "BadKey", /is a certificate/],
          [{ privKey: publicKey.export({ type: "spki", format: "pem" }) }, "BadKey", /is a public key/],
          [{ privKey: privateKey.export(pem) }, "BadKey", /curve/],
          [{ privKey: small.privateKey.export(pem) }, "BadKey", /2048/],
          [{ privKey: encrypted }, "BadKey", /encrypted/],
          [{ endpoint: `mqtts://${good.endpoint}` }, "BadField", /endpoint/],
          [{ endpoint: [good.endpoint, "a b"] }, "BadField", /endpoint/],
        ];
        for (const [fields, code, words] of bad)
          await assert.rejects(register(rig, { ...good, ...fields }), (error: Error & { code: string }) => {
            assert.equal(error.code, code, `${JSON.stringify(fields).slice(0, 80)}: ${error.message}`);
            assert.match(error.message, words);
            return true;
          });
        const info = await rig.information();
        assert.deepEqual([info.state, info.applyState, info.applyError], ["online", "applied", null]);
        assert.equal(info.certificateId, certificateId);
        // Nothing of it has used up the key that waits for its certificate.
        const answer = await register(rig, {
          ...good,
          certPem: indented(certPem).replaceAll("\n", "\r\n"),
          rootCA: `\ufeff${escaped(rootCA)}`,
        });
        assert.equal(answer.applyState, "trying");
        assert.notEqual(
          answer.state,
          "online",
          "a phone that only looks at the state does not take the old session for the new one",
        );
        const next = await rig.until(
          "new identity",
          ({ state, thingName }) => state === "online" && thingName === "camera-next",
        );
        assert.equal(next.certificateId, idOf(certPem));
        await assert.rejects(register(rig, good), { code: "NoKey" }, "the key is used up");
      }),
  );

  const dead: [what: string, fields: (rig: IdentityRig) => Promise<object>, code: string][] = [
    ["roots that vouch for nobody here", async (rig) => ({ rootCA: await strangerRoot(rig) }), "UnknownCA"],
    ["no roots, which means Amazon's", async () => ({ rootCA: undefined }), "UnknownCA"],
  ];

  for (const [what, fields, code] of dead)
    test(
      `on a camera that is online: ${what}: back to the old identity, and the reason is told`,
      { timeout: 240_000 },
      () =>
        withRig(async (rig) => {
          const { certificateId } = await owned(rig);
          const good = await goodFields(rig, "camera-next");
          await register(rig, { ...good, ...(await fields(rig)) });
          const trying = await rig.until(
            "reason",
            ({ applyState, applyError }) => applyState === "trying" && applyError !== null,
          );
          assert.equal((trying.applyError as { code: string }).code, code);
          const back = await rig.until("old identity", isBack(certificateId), 150_000);
          assert.equal(back.thingName, "camera-owned");
          assert.equal((back.applyError as { code: string }).code, code);
          assert.equal(await rig.record("trial"), undefined);
          // The certificate and its key are still good: only the roots were not.
          await register(rig, good);
          const info = await rig.until("new identity", isBack(idOf(good.certPem)));
          assert.deepEqual([info.thingName, info.applyError], ["camera-next", null]);
        }),
    );

  test(
    "a camera without an earlier identity keeps trying, says why, and takes a better one",
    { timeout: 180_000 },
    () =>
      withRig(async (rig) => {
        const good = await goodFields(rig, "camera-first");
        await register(rig, { ...good, rootCA: await strangerRoot(rig) });
        const trying = await rig.until("reason", ({ applyError }) => applyError !== null);
        assert.equal((trying.applyError as { code: string }).code, "UnknownCA");
        assert.deepEqual(
          [trying.applyState, trying.thingName, trying.certificateId],
          ["trying", "camera-first", idOf(good.certPem)],
        );
        await rig.cutPower();
        assert.equal((await rig.until("trying", ({ applyError }) => applyError !== null)).applyState, "trying");
        await register(rig, good);
        assert.equal((await rig.online()).thingName, "camera-first");
        assert.equal(await rig.record("pendingKey"), undefined);
      }),
  );

  test(
    "while an enrolment is on its way: a good one is taken, the claim goes; a bad one leaves the claim",
    {
      timeout: 300_000,
    },
    () =>
      withRig(async (rig) => {
        const claim = await createClaim(rig.iot, templateName);
        const enrol = { type: "ProvisionByClaim", ...claim, rootCA: rig.rootCA };
        const good = await goodFields(rig, "camera-owned");
        await rig.ask("camera-cert", { ...enrol, endpoint: "localhost:1" });
        await register(rig, good);
        assert.equal((await rig.online()).thingName, "camera-owned");
        assert.equal(await rig.record("enrolment"), undefined, "the claim is gone");

        const next = await goodFields(rig, "camera-next");
        await rig.ask("camera-cert", enrol);
        await register(rig, { ...next, rootCA: await strangerRoot(rig) });
        const info = await rig.until(
          "the claim's identity",
          ({ thingName, state }) => /^camera-[a-z2-7]{24}$/.test(String(thingName)) && state === "online",
          150_000,
        );
        assert.equal(info.applyState, "applied");
        assert.equal(await rig.record("enrolment"), undefined, "the claim is gone");
      }),
  );

  const moments: [string, ((event: ProcessEvent) => boolean)?][] = [
    ["at once"],
    ["the old session ends", ({ event, clientId }) => event === "disconnect" && clientId === "camera-owned"],
    ["the new identity connects", ({ event, clientId }) => event === "connect" && clientId === "camera-next"],
    ["it subscribes", ({ event, clientId }) => event === "subscribe" && clientId === "camera-next"],
  ];

  for (const [moment, fits] of moments)
    test(
      `the power is cut while the new identity is tried (${moment}): it is in force afterwards, and nothing of the old one is left`,
      {
        timeout: 180_000,
      },
      () =>
        withRig(async (rig) => {
          await owned(rig);
          const good = await goodFields(rig, "camera-next");
          if (fits) await rig.cutAt(fits, () => register(rig, good));
          else {
            await register(rig, good);
            await rig.cutPower();
          }
          const info = await rig.until("new identity", isBack(idOf(good.certPem)));
          assert.equal(info.thingName, "camera-next");
          const { slot } = JSON.parse((await rig.record("identity"))!.slice(1));
          for (const record of ["trial", "pendingKey", `identity${1 - slot}`])
            assert.equal(await rig.record(record), undefined, `${record} is gone`);
        }),
    );
});
