/**
 * Keys as AWS IoT makes them: RSA of 2048 bits in PKCS #1, for claims (CreateKeysAndCertificate, CreateProvisioningClaim) and for an app that lets it make
 * the camera's. Everything else here uses P-256.
 */
import assert from "node:assert/strict";
import { createPrivateKey } from "node:crypto";
import { test } from "node:test";
import "reflect-metadata";
import { AttachPolicyCommand, CreateCertificateFromCsrCommand } from "@aws-sdk/client-iot";
import * as x509 from "@peculiar/x509";
import { exportPrivateKey, generateKeyPair } from "../../certs/certificates.ts";
import { registerThing } from "../../sim/phone/aws.ts";
import { IdentityRig, templateName } from "./identity-rig.ts";

async function makeRSARequest(commonName: string): Promise<{ key: string; csr: string }> {
  const keys = await generateKeyPair("RSA");
  const signingAlgorithm = keys.privateKey.algorithm;
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: `CN=${commonName}`,
    keys,
    signingAlgorithm,
  });
  const key = createPrivateKey(await exportPrivateKey(keys.privateKey)).export({ type: "pkcs1", format: "pem" });
  assert.equal(x509.PemConverter.decodeWithHeaders(String(key))[0]?.type, "RSA PRIVATE KEY");
  return { key: String(key), csr: request.toString("pem") };
}

test("an RSA claim brings the camera its own identity, and the app may give it an RSA key", {
  timeout: 240_000,
}, async () => {
  const rig = await IdentityRig.open();
  try {
    const { iot, line, rootCA } = rig;
    const { endpoint } = line.cloud.mqtt;
    const claim = await makeRSARequest("claim");
    const made = await iot.send(
      new CreateCertificateFromCsrCommand({ certificateSigningRequest: claim.csr, setAsActive: true }),
    );
    await iot.send(new AttachPolicyCommand({ policyName: "devicelink-claim", target: made.certificateArn }));
    const enrolment = { endpoint, template: templateName, certificate: made.certificatePem, key: claim.key, rootCA };
    await line.label;
    await rig.cutPower(() => rig.flash("enrolment", enrolment));
    await rig.joinWiFi();
    const own = await rig.online();
    assert.equal(own.thingName, own.ownThingName);

    const thingName = "camera-with-rsa-key";
    const { key, csr } = await makeRSARequest(thingName);
    const { certPem } = await registerThing(iot, { thingName, csrPem: csr });
    await rig.ask("camera-cert", { type: "RegisterDevice", thingName, endpoint, certPem, privKey: key, rootCA });
    const given = await rig.until(thingName, (info) => info.thingName === thingName && info.state === "online");
    assert.notEqual(given.certificateId, own.certificateId);
  } finally {
    await rig.close();
  }
});
