/** The advisor's own judgement: clients that do well and clients that do badly, and what it makes of them. */
import assert from "node:assert/strict";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { before, describe, test } from "node:test";
import { type BackoffType, classifyBackoff, describeBackoff } from "./backoff-classifier.ts";
import type { CaseSettings } from "./case.ts";
import { allCases } from "./cases/all.ts";
import { judgeBackoff } from "./cases/backoff.ts";
import { broadPermissions } from "./cases/policy.ts";
import { type Behaviour, ScriptedClient } from "./clients/scripted.ts";
import { Credentials } from "./credentials.ts";
import { encoders, isMatch, MalformedPacketError, PacketReader } from "./mqtt-wire.ts";
import { type Result, Runner } from "./runner.ts";
import { difference, merge } from "./shadow-service.ts";
import { CaseFailure, type Verdict } from "./verdict.ts";

const settings: CaseSettings = {
  attempts: 5,
  desiredState: { telemetryInterval: 120 },
  jobDocument: { operation: "echo" },
  serverAway: 60_000,
  policies: [],
};
const credentials = new Credentials();

async function judge(id: string, behaviour: Partial<Behaviour>): Promise<Result> {
  const cases = allCases.filter((candidate) => candidate.id === id);
  const client = new ScriptedClient(behaviour);
  const [result] = await new Runner({ client, settings, credentials, concurrency: 1 }).run(cases);
  return result!;
}

/** Milliseconds of ours by which this process may be late in a case that measures times. */
const lateness = 50;

/** Judged again when the verdict is another, as long as the machine was too busy for times to be measured. */
async function judgeInTime(id: string, behaviour: Partial<Behaviour>, expected: Verdict): Promise<Result> {
  const delay = monitorEventLoopDelay({ resolution: 10 });
  for (let left = 5; ; left -= 1) {
    delay.reset();
    delay.enable();
    const result = await judge(id, behaviour);
    delay.disable();
    if (result.verdict === expected || delay.max / 1e6 < lateness || left === 1) return result;
  }
}

// Long enough for a busy machine not to matter.
const constant = { delay: () => 16_000 };
/** No suite of AWS IoT's. */
const unsupported = { ciphers: "DHE-RSA-AES128-GCM-SHA256" };
const pure = { delay: (failures: number) => 8000 * 2 ** failures };
const reconnect = "MQTT_Reconnect_Backoff_Retries_On_Server_Disconnect";
const unstable = "MQTT_Reconnect_Backoff_Retries_On_Unstable_Connection";

/** Behaviour, case, verdict, reason. */
const expectations: [Partial<Behaviour>, string, Verdict, RegExp][] = [
  [{}, "TLS_Connect", "PASS", /completed/],
  [unsupported, "TLS_Connect", "FAIL", /the handshake failed/],
  [{ begins: "without TLS" }, "TLS_Connect", "FAIL", /the handshake failed/],
  [{}, "TLS_Receive_Maximum_Size_Fragments", "PASS", /16 KB/],
  [{ acknowledges: "small ones" }, "TLS_Receive_Maximum_Size_Fragments", "FAIL", /closed instead of PUBACK of 70000/],
  [{}, "TLS_Support_AWS_IoT_Cipher_Suites", "PASS_WITH_WARNINGS", /unsupported/],
  [{ ciphers: "ECDHE-RSA-AES128-GCM-SHA256" }, "TLS_Support_AWS_IoT_Cipher_Suites", "PASS", /1 of them recommended/],
  [{ ciphers: "AES256-SHA256" }, "TLS_Support_AWS_IoT_Cipher_Suites", "PASS_WITH_WARNINGS", /not recommended/],
  [unsupported, "TLS_Support_AWS_IoT_Cipher_Suites", "FAIL", /none of the client/],
  [{}, "TLS_Large_Size_Server_Cert", "PASS", /completed/],
  [unsupported, "TLS_Large_Size_Server_Cert", "FAIL", /the handshake failed/],
  [{}, "TLS_Expired_Server_Cert", "PASS_WITH_WARNINGS", /without an alert/],
  [{ verifies: false }, "TLS_Unsecure_Server_Cert", "FAIL", /accepted the certificate/],
  [{ verifies: false, begins: "with HTTP" }, "TLS_Unsecure_Server_Cert", "FAIL", /accepted the certificate/],
  [{ begins: "without TLS" }, "TLS_Unsecure_Server_Cert", "FAIL", /no ClientHello/],
  [{ verifies: false }, "TLS_Incorrect_Subject_Name_Server_Cert", "FAIL", /accepted the certificate/],
  [{ verifies: false }, "TLS_Expired_Server_Cert", "FAIL", /accepted the certificate/],
  [{}, "MQTT_Connect", "PASS", /keep-alive 30 s/],
  [{ begins: "not at all" }, "MQTT_Connect", "FAIL", /closed instead of CONNECT/],
  [{ begins: "with HTTP" }, "MQTT_Connect", "FAIL", /instead of CONNECT/],
  [{ clientId: "$camera" }, "MQTT_Connect", "FAIL", /client id "\$camera"/],
  [{ clientId: "x".repeat(129) }, "MQTT_Connect", "FAIL", /client id of 129 bytes/],
  [{}, "MQTT_Client_Puback_Qos1", "PASS", /131072/],
  [{ acknowledges: "none" }, "MQTT_Client_Puback_Qos1", "FAIL", /PUBACK of 0 bytes/],
  [{ acknowledges: "small ones" }, "MQTT_Client_Puback_Qos1", "FAIL", /PUBACK of 131072 bytes/],
  [{}, "MQTT_Publish", "PASS", /telemetry/],
  [{ publishes: false }, "MQTT_Publish", "FAIL", /no PUBLISH|instead of PUBLISH/],
  [{}, "MQTT_Subscribe", "PASS", /commands \(QoS 1\)/],
  [{ subscribes: "never" }, "MQTT_Subscribe", "FAIL", /no SUBSCRIBE|instead of SUBSCRIBE/],
  [{}, "MQTT_Publish_Retry_No_Puback", "PASS", /with packet id/],
  [{ repeats: "new id" }, "MQTT_Publish_Retry_No_Puback", "FAIL", /under its packet id \d+, but under \d+/],
  [{ repeats: "never" }, "MQTT_Publish_Retry_No_Puback", "FAIL", /closed instead of repetition/],
  [{ repeats: "reused id" }, "MQTT_Publish_Retry_No_Puback", "FAIL", /something else under its packet id/],
  [{}, "MQTT_Subscribe_Retry_No_Suback", "PASS", /with packet id/],
  [{ repeats: "new id" }, "MQTT_Subscribe_Retry_No_Suback", "FAIL", /but under/],
  [{ repeats: "never", waitsForEver: true }, "MQTT_Subscribe_Retry_No_Suback", "FAIL", /no repetition/],
  [{}, "MQTT_No_Ack_PingResp", "PASS", /closed after/],
  [{ waitsForEver: true }, "MQTT_No_Ack_PingResp", "FAIL", /still connected/],
  [{}, "MQTT_Persistent_Session_Happy_Case", "PASS", /no SUBSCRIBE/],
  [{ subscribes: "always" }, "MQTT_Persistent_Session_Happy_Case", "FAIL", /subscribed again although/],
  [{ cleanSession: true }, "MQTT_Persistent_Session_Happy_Case", "FAIL", /clean session 1/],
  [{}, "MQTT_Expired_Persistent_Session", "PASS", /again/],
  [{ subscribes: "once" }, "MQTT_Expired_Persistent_Session", "FAIL", /no SUBSCRIBE/],
  [{ subscribes: "elsewhere" }, "MQTT_Expired_Persistent_Session", "FAIL", /no SUBSCRIBE/],
  [{ givesUp: true }, "MQTT_Expired_Persistent_Session", "FAIL", /no connection/],
  [{}, "MQTT_Connect_Jitter_Backoff_Retries", "PASS", /exponential with jitter/],
  [constant, "MQTT_Connect_Jitter_Backoff_Retries", "FAIL", /^constant/],
  [pure, "MQTT_Connect_Exponential_Backoff_Retries", "PASS", /^exponential/],
  [constant, "MQTT_Connect_Exponential_Backoff_Retries", "FAIL", /^constant/],
  [{}, reconnect, "PASS", /exponential with jitter/],
  [constant, reconnect, "FAIL", /^constant/],
  [{}, unstable, "PASS", /exponential with jitter/],
  [{ ...pure, forgetsTooSoon: true }, unstable, "FAIL", /^constant/],
  [{}, "Shadow_Publish_Reported_State", "FAIL", /no reported state/],
  [{ shadow: true }, "Shadow_Publish_Reported_State", "PASS", /telemetryInterval/],
  [{ shadow: true }, "Shadow_Update_Reported_State", "PASS", /desired/],
  [{}, "Shadow_Update_Reported_State", "FAIL", /no SUBSCRIBE/],
  [{ shadow: "stubborn" }, "Shadow_Update_Reported_State", "FAIL", /still desired/],
  [{ shadow: "denying" }, "Shadow_Update_Reported_State", "FAIL", /still desired/],
  [{ job: "SUCCEEDED" }, "Job_Execution", "PASS", /IN_PROGRESS, SUCCEEDED/],
  [{ job: "FAILED" }, "Job_Execution", "FAIL", /reported FAILED/],
  [{ job: "IN_PROGRESS" }, "Job_Execution", "FAIL", /still IN_PROGRESS/],
  [{}, "Job_Execution", "FAIL", /asked for no job/],
  [{ acknowledges: "small ones" }, "MQTT_Long_Duration RECEIVE_LARGE_PAYLOAD", "FAIL", /closed instead of PUBACK/],
  [{ acknowledges: "none" }, "MQTT_Long_Duration PUBACK_QOS_1", "FAIL", /PUBACK/],
  [{ subscribes: "always" }, "MQTT_Long_Duration PERSISTENT_SESSION", "FAIL", /subscribed again/],
  [{ waitsForEver: true }, "MQTT_Long_Duration KEEP_ALIVE", "FAIL", /still connected/],
  [{ givesUp: true }, "MQTT_Long_Duration INTERMITTENT_CONNECTIVITY", "FAIL", /no connection/],
  [constant, "MQTT_Long_Duration RECONNECT_BACK_OFF", "PASS_WITH_WARNINGS", /^constant/],
];

describe("verdicts", { concurrency: 10 }, () => {
  // Nothing but the cases is to take time while they run.
  before(() => new Runner({ client: new ScriptedClient({}), settings, credentials, concurrency: 1 }).prepare(allCases));

  for (const [behaviour, id, verdict, reason] of expectations) {
    const name = Object.entries(behaviour).map(([key, value]) => `${key}: ${value}`);
    test(`${id} of a client with ${name.join(", ") || "good manners"}: ${verdict}`, async () => {
      const result = await judgeInTime(id, behaviour, verdict);
      assert.equal(result.verdict, verdict, result.reason);
      assert.match(result.reason, reason);
    });
  }
});

test("gaps between attempts have a type", () => {
  const of = (...rounds: number[][]) => describeBackoff(classifyBackoff(rounds));
  assert.equal(of([1000, 2000, 4000, 8000, 16_000]), "exponential");
  assert.equal(of([1000, 1500, 2250, 3375, 5062]), "exponential");
  assert.equal(of([1000, 2000, 4000, 8000, 8000, 8000]), "exponential");
  assert.equal(of([1000, 2000, 3000, 4000, 5000]), "linear");
  assert.equal(of([1000, 1010, 990, 1000, 1005]), "constant");
  assert.equal(of([1000, 600, 1400, 900, 1200]), "constant with jitter");
  assert.equal(of([1400, 2100, 7200, 9000, 30_000]), "exponential with jitter");
  assert.equal(of([1000, 2000, 4000, 8000], [1300, 2600, 5200, 10_400]), "exponential with jitter");
  assert.equal(of([1000, 1000, 1000, 1000], [1000, 2000, 4000, 8000]), "constant");
  assert.equal(of([1000, 2000, 4000, 8000], [8000, 8000, 8000, 8000]), "exponential");
  assert.throws(() => of([1000, 2000, 3000]), RangeError);
});

test("exponential pauses pass, with a warning where jitter is missed; others fail", () => {
  const exponential: BackoffType = { growth: "exponential", jitter: false };
  assert.equal(judgeBackoff({ ...exponential, jitter: true }, true, "").verdict, "PASS");
  assert.equal(judgeBackoff(exponential, true, "").verdict, "PASS_WITH_WARNINGS");
  assert.equal(judgeBackoff(exponential, false, "").verdict, "PASS");
  for (const growth of ["linear", "constant"] as const)
    assert.throws(() => judgeBackoff({ growth, jitter: true }, false, ""), CaseFailure);
});

test("delays that double with equal jitter are taken for what they are", () => {
  let mistaken = 0;
  const draw = (): BackoffType =>
    classifyBackoff([Array.from({ length: 5 }, (_value, i) => 1000 * 2 ** i * (1 + Math.random()))]);
  for (let i = 0; i < 2000; i += 1) if (draw().growth !== "exponential") mistaken += 1;
  assert.ok(mistaken < 40, `${mistaken} of 2000`);
});

test("what MQTT forbids is told by its rule", () => {
  const read = (bytes: Buffer) => new PacketReader().read(bytes);
  assert.equal(read(encoders.connect("camera", 30))[0]!.clientId, "camera");
  const wrong: [Buffer, RegExp][] = [
    [Buffer.concat([Buffer.from([0x82, 5]), Buffer.from([0, 0, 0, 0, 0])]), /2\.3\.1-1/],
    [Buffer.from([0x80, 0]), /2\.2\.2-2/],
    [Buffer.from([0x36, 0]), /3\.3\.1-4/],
    [encoders.publish("a/#", "x"), /3\.3\.2-2/],
    [encoders.subscribe(1, []), /3\.8\.3-3/],
    [Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff, 1]), /2\.2\.3/],
  ];
  for (const [bytes, rule] of wrong)
    assert.throws(
      () => read(bytes),
      (error) => error instanceof MalformedPacketError && rule.test(error.message),
    );
});

test("topic filters, shadow documents, policies", () => {
  assert.ok(isMatch("a/+/c", "a/b/c") && isMatch("a/#", "a/b/c") && !isMatch("a/+", "a/b/c") && !isMatch("a", "a/b"));
  assert.deepEqual(difference({ a: 1, b: { c: 2, d: 3 } }, { a: 1, b: { c: 2 } }), { b: { d: 3 } });
  assert.equal(difference({ a: 1 }, { a: 1, z: 0 }), undefined);
  assert.deepEqual(merge({ a: 1, b: { c: 2 } }, { a: null, b: { d: 3 } }), { b: { c: 2, d: 3 } });
  const allow = (Action: string, Resource: string) =>
    broadPermissions({ Statement: { Effect: "Allow", Action, Resource } });
  assert.deepEqual(allow("iot:*", "*"), ["iot:*", "*"]);
  assert.deepEqual(allow("iot:Publish", "arn:aws:iot:r:1:topic/device/*"), ["arn:aws:iot:r:1:topic/device/*"]);
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a policy variable
  const own = "arn:aws:iot:r:1:topic/device/${iot:Connection.Thing.ThingName}";
  assert.deepEqual(allow("iot:Publish", `${own}/*`), []);
  assert.deepEqual(allow("iot:Publish", `${own}*`), [`${own}*`], "camera-1 would have what is camera-10's");
  const allBut = { Effect: "Allow", NotAction: "iot:Connect", NotResource: "arn:x" };
  assert.deepEqual(broadPermissions({ Statement: [allBut] }), ["all but iot:Connect", "all but arn:x"]);
});
