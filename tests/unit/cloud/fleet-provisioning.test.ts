import { CloudError } from "../../../modules/cloud/cloud-error";
import {
  FleetProvisioning,
  type FleetProvisioningHost,
  type Provisioned,
} from "../../../modules/cloud/fleet-provisioning";
import type { CloudSession } from "../../../modules/cloud/session";
import { type TextPairs, textOf } from "../../../modules/json/text-pairs";
import { assert, equal, test, turns, until } from "../harness";
import { FakeBroker, filtersOf, type Packet, types } from "./fake-broker";

const csrTopic = "$aws/certificates/create-from-csr/json";
const registerTopic = "$aws/provisioning-templates/fleet/provision/json";

type Answers = Record<string, (request: Record<string, unknown>) => [end: string, body: string][]>;

const accepted = (body: object): [string, string][] => [["accepted", JSON.stringify(body)]];
const rejected = (errorCode: string): [string, string][] => [
  ["rejected", JSON.stringify({ statusCode: 400, errorCode, errorMessage: "no" })],
];
const certificateFor = (request: Record<string, unknown>) => ({
  certificateId: "id",
  certificatePem: `certificate of ${request.certificateSigningRequest}`,
  certificateOwnershipToken: "token",
});

const willing: Answers = {
  [csrTopic]: (request) => accepted(certificateFor(request)),
  [registerTopic]: () => accepted({ thingName: "camera-1", deviceConfiguration: {} }),
};

/** AWS IoT's side of fleet provisioning. */
class Cloud extends FakeBroker {
  answers: Answers = { ...willing };
  requests: [topic: string, body: Record<string, unknown>][] = [];

  override answer(...args: Parameters<FakeBroker["answer"]>): void {
    super.answer(...args);
    const [socket, { type, topic, payload }] = args;
    if (type !== types.PUBLISH) return;
    const request = JSON.parse(payload);
    this.requests.push([topic, request]);
    let id = 100;
    for (const [end, body] of this.answers[topic]?.(request) ?? [])
      socket.publish(`${topic}/${end}`, body, { id: id++ });
  }
}

class Host implements FleetProvisioningHost {
  cloud: Cloud;
  keys = 0;
  results: Provisioned[] = [];
  failures: CloudError[] = [];
  problem?: Error;

  constructor(cloud: Cloud) {
    this.cloud = cloud;
  }

  openProvisioningSession(provisioning: FleetProvisioning): CloudSession {
    return this.cloud.session({
      maximumMessage: 4096,
      onStateChanged: (state, error) => provisioning.onStateChanged(state, error),
      onMessage: (message) => provisioning.onMessage(message),
    });
  }

  createRequest() {
    this.keys += 1;
    return { key: `key ${this.keys}`, csr: `request ${this.keys}` };
  }

  certificateFor(certificate: string, key: string): string | undefined {
    if (certificate === "damaged") throw new CloudError("BadCertificate", "cannot be parsed");
    return certificate.trim() === `certificate of request ${key.slice(4)}` ? certificate.trim() : undefined;
  }

  proveThing(certificate: string, parameters: TextPairs): TextPairs {
    return [["Signature", `${textOf(parameters, "SerialNumber")}: ${certificate}`]];
  }

  onProvisioned(result: Provisioned): void {
    if (this.problem) throw this.problem;
    this.results.push(result);
  }

  onProvisioningFailed(error: CloudError): void {
    this.failures.push(error);
  }
}

const serial: TextPairs = [["SerialNumber", "7"]];

function setUp(answers: Answers = {}, { limit = 2000, script = {}, parameters = serial } = {}) {
  const cloud = new Cloud(script);
  Object.assign(cloud.answers, answers);
  const host = new Host(cloud);
  const options = { template: "fleet", parameters, delay: 0, limit };
  return { cloud, host, provisioning: new FleetProvisioning(host, options) };
}

const ended = (host: Host) => until(() => host.results.length + host.failures.length > 0);

test("parameters with whatever names, and what the host proves in the place of one that was given", async () => {
  const odd = 'q"\\\n\u00e9';
  const parameters: TextPairs = [
    [odd, odd],
    ["Signature", "given"],
    ["SerialNumber", "7"],
  ];
  const { cloud, host, provisioning } = setUp({}, { parameters });
  provisioning.connect();
  await ended(host);
  const sent = { [odd]: odd, SerialNumber: "7", Signature: "7: certificate of request 1" };
  equal(cloud.requests.at(-1), [registerTopic, { certificateOwnershipToken: "token", parameters: sent }]);
});

test("request, token, thing: and the certificate goes with the key that was made for it", async () => {
  const { cloud, host, provisioning } = setUp();
  provisioning.connect();
  provisioning.connect();
  await ended(host);
  equal(host.results, [{ thingName: "camera-1", certificate: "certificate of request 1", key: "key 1" }]);
  const parameters = { SerialNumber: "7", Signature: "7: certificate of request 1" };
  equal(cloud.requests, [
    [csrTopic, { certificateSigningRequest: "request 1" }],
    [registerTopic, { certificateOwnershipToken: "token", parameters }],
  ]);
  const [subscribe] = cloud.socket.sent(types.SUBSCRIBE);
  equal(filtersOf(subscribe.body), [
    `${csrTopic}/accepted`,
    `${csrTopic}/rejected`,
    `${registerTopic}/accepted`,
    `${registerTopic}/rejected`,
  ]);
  const order = cloud.socket.packets.map((packet: Packet) => packet.type);
  assert(order.indexOf(types.SUBSCRIBE) < order.indexOf(types.PUBLISH), "subscribed before anything was asked");
  assert(cloud.socket.closed);
  equal(cloud.sockets.length, 1);
  equal(cloud.escaped, []);
});

test("what is kept is the certificate as it was judged, not as it came", async () => {
  const { host, provisioning } = setUp({
    [csrTopic]: (request) =>
      accepted({ ...certificateFor(request), certificatePem: `  certificate of ${request.certificateSigningRequest}` }),
  });
  provisioning.connect();
  await ended(host);
  equal(host.results[0].certificate, "certificate of request 1");
});

test("the template may send the camera to another endpoint", async () => {
  const deviceConfiguration = { endpoint: "other.example:443" };
  const { host, provisioning } = setUp({ [registerTopic]: () => accepted({ thingName: "c", deviceConfiguration }) });
  provisioning.connect();
  await ended(host);
  equal(host.results[0].endpoint, "other.example:443");
});

const failing: [what: string, code: string, answers: Answers][] = [
  [
    "the request is rejected",
    "CertificateRejected",
    { [csrTopic]: () => rejected("InvalidCertificateSigningRequest") },
  ],
  [
    "the token is rejected",
    "RegistrationRejected",
    { [registerTopic]: () => rejected("InvalidCertificateOwnershipToken") },
  ],
  ["a rejection is empty", "BadAnswer", { [csrTopic]: () => [["rejected", ""]] }],
  ["the certificate is missing", "BadAnswer", { [csrTopic]: () => accepted({ certificateOwnershipToken: "t" }) }],
  [
    "the certificate is damaged",
    "BadCertificate",
    { [csrTopic]: () => accepted({ certificatePem: "damaged", certificateOwnershipToken: "t" }) },
  ],
  ["the token is missing", "BadAnswer", { [csrTopic]: () => accepted({ certificatePem: "c" }) }],
  ["an answer is no JSON", "BadAnswer", { [registerTopic]: () => [["accepted", "{"]] }],
  ["an answer is no object", "BadAnswer", { [registerTopic]: () => [["accepted", "null"]] }],
  ["there is no thing name", "BadAnswer", { [registerTopic]: () => accepted({}) }],
  ["the thing name cannot be one", "BadAnswer", { [registerTopic]: () => accepted({ thingName: "a/b" }) }],
  [
    "the endpoint cannot be one",
    "InvalidEndpoint",
    { [registerTopic]: () => accepted({ thingName: "c", deviceConfiguration: { endpoint: "a:b:c" } }) },
  ],
];

for (const [what, code, answers] of failing)
  test(`${what}: ${code}`, async () => {
    const { cloud, host, provisioning } = setUp(answers);
    provisioning.connect();
    await ended(host);
    equal(host.results, []);
    equal(
      host.failures.map((error) => error.code),
      [code],
    );
    assert(cloud.socket.closed);
    provisioning.connect();
    await turns(20);
    equal(cloud.sockets.length, 1, "a round that failed is over");
    equal(cloud.escaped, []);
  });

test("a rejection keeps AWS's own words", async () => {
  const { host, provisioning } = setUp({ [registerTopic]: () => rejected("AccessDenied") });
  provisioning.connect();
  await ended(host);
  equal(host.failures[0].message, "400 AccessDenied: no");
});

test("what cannot be kept fails the round, with its own name", async () => {
  const { host, provisioning } = setUp();
  host.problem = new CloudError("WrongThing", "another thing");
  provisioning.connect();
  await ended(host);
  equal(host.failures[0].code, "WrongThing");
});

test("an answer that never comes: the round ends in time", async () => {
  for (const silent of [csrTopic, registerTopic]) {
    const { cloud, host, provisioning } = setUp({ [silent]: () => [] }, { limit: 150 });
    provisioning.connect();
    await ended(host);
    equal(host.failures[0].code, "ProvisioningTimeout");
    assert(cloud.socket.closed);
  }
});

test("a broker that is dark, and one that does not grant the topics", async () => {
  const dark = setUp({}, { limit: 150, script: { dark: true } });
  dark.provisioning.connect();
  await ended(dark.host);
  equal(dark.host.failures[0].code, "ProvisioningTimeout");
  const mute = setUp({}, { script: { granted: () => 0x80 } });
  mute.provisioning.connect();
  await ended(mute.host);
  equal(mute.host.failures[0].code, "SubscriptionRefused");
});

test("a claim that is refused three times fails the round", async () => {
  const { cloud, host, provisioning } = setUp({}, { script: { connack: 5 } });
  provisioning.connect();
  await ended(host);
  equal(host.failures[0].code, "Refused");
  equal(cloud.sockets.length, 3);
});

test("answers that come twice, out of turn, or for an earlier key are passed over", async () => {
  const stale = { certificatePem: "certificate of request 0", certificateOwnershipToken: "old" };
  const { cloud, host, provisioning } = setUp({
    [csrTopic]: (request) => [
      ...accepted(stale),
      ...accepted(certificateFor(request)),
      ...accepted(certificateFor(request)),
      ...rejected("Late"),
    ],
    [registerTopic]: () => [
      ...accepted({ thingName: "first" }),
      ...accepted({ thingName: "second" }),
      ...rejected("InvalidCertificateOwnershipToken"),
    ],
  });
  provisioning.connect();
  await ended(host);
  await turns(20);
  equal(
    host.results.map(({ thingName }) => thingName),
    ["first"],
  );
  equal(host.failures, []);
  equal(cloud.requests.length, 2, "each request once");
  equal(cloud.escaped, []);
});

test("the connection is cut after any byte that the device sends: the round ends well", async () => {
  // CONNECT, SUBSCRIBE with four filters, two PUBLISH, and what acknowledges the answers.
  for (let cutAfter = 1; cutAfter <= 560; cutAfter += 7) {
    const { cloud, host, provisioning } = setUp({}, { script: { cutAfter, sessionPresent: cutAfter % 2 === 1 } });
    provisioning.connect();
    await until(() => host.results.length > 0, 4000);
    equal(host.results.length, 1, `cut after ${cutAfter} bytes`);
    equal(host.failures, []);
    equal(cloud.escaped, []);
  }
});

test("disconnected and connected at every step: it begins anew, with a new key, and one result comes", async () => {
  const reached: [(cloud: Cloud) => boolean, Partial<Answers>, Partial<Cloud["script"]>][] = [
    [() => true, {}, {}],
    [(cloud) => cloud.sockets.length === 1, {}, { dark: true }],
    [(cloud) => cloud.socket?.sent(types.CONNECT).length === 1, {}, { connack: false }],
    [(cloud) => cloud.socket?.sent(types.SUBSCRIBE).length === 1, {}, { suback: false }],
    [(cloud) => cloud.requests.length === 1, { [csrTopic]: () => [] }, {}],
    [(cloud) => cloud.requests.length === 2, { [registerTopic]: () => [] }, {}],
  ];
  for (const [step, silence, script] of reached) {
    const { cloud, host, provisioning } = setUp(silence as Answers, { script });
    provisioning.connect();
    await until(() => step(cloud));
    provisioning.disconnect();
    await turns(5);
    const failed = host.failures.length;
    Object.assign(cloud.answers, willing);
    Object.assign(cloud.script, { dark: false, connack: 0, suback: true });
    provisioning.connect();
    await ended(host);
    equal(failed, 0);
    equal(host.results.length, 1);
    equal(host.results[0].key, `key ${host.keys}`);
    equal(cloud.escaped, []);
  }
});

test("closed, it says nothing any more", async () => {
  const { cloud, host, provisioning } = setUp({ [csrTopic]: () => [] });
  provisioning.connect();
  await until(() => cloud.requests.length === 1);
  provisioning.close();
  provisioning.connect();
  await turns(30);
  equal([host.results.length, host.failures.length, cloud.sockets.length], [0, 0, 1]);
});

test("a round that has ended hears of no refusals any more", async () => {
  const { host, provisioning } = setUp({ [csrTopic]: () => rejected("InvalidCertificateSigningRequest") });
  provisioning.connect();
  await ended(host);
  for (let i = 0; i < 4; i += 1) provisioning.onStateChanged("refused", new CloudError("Refused", "x"));
  equal(
    host.failures.map(({ code }) => code),
    ["CertificateRejected"],
  );
});

test("refusals count when they are some, and have a reason", () => {
  const { host, provisioning } = setUp();
  const refused = new CloudError("Refused", "x");
  for (let i = 0; i < 5; i += 1) {
    provisioning.onStateChanged("refused");
    provisioning.onStateChanged("backing-off", refused);
  }
  provisioning.onStateChanged("refused", refused);
  provisioning.onStateChanged("refused", refused);
  equal(host.failures.length, 0);
  provisioning.onStateChanged("refused", refused);
  equal(host.failures.length, 1);
});
