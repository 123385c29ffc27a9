/** Where a device gets the time, over real UDP and TLS: two time servers, one alone, or the Date of an HTTPS server. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { before, type TestContext, test } from "node:test";
import { LocalCA } from "../../certs/local-ca.ts";
import { askForTime, DateServer, NTPServer, ntpAnswer, type TimeOutcome } from "./time-rig.ts";

const day = 86_400_000;
const released = Date.UTC(2026, 10, 1);
/** The certificates of most servers here are good from this day on, for 90 days. */
const issued = Date.UTC(2027, 2, 1);
const names = ["localhost"];
let ca: LocalCA;

before(async () => {
  ca = await LocalCA.create({ notBefore: new Date(released - 365 * day), notAfter: new Date(released + 3650 * day) });
});

const fixture = (year: number) => readFile(new URL(`fixtures/ntp-answer-${year}.bin`, import.meta.url));

async function servers(t: TestContext, ...answers: (Buffer | undefined)[]): Promise<string[]> {
  const started = await Promise.all(answers.map((answer) => NTPServer.start(() => answer)));
  t.after(() => started.forEach((server) => void server.close()));
  return started.map(({ name }) => name);
}

interface Wish {
  from?: number;
  to?: number;
  date?: string;
  name?: string;
  authority?: LocalCA;
  intermediate?: boolean;
}

/** A server whose certificate is good for that time and which tells that Date; what a device makes of it. */
async function askServer(t: TestContext, wish: Wish): Promise<TimeOutcome & { requests: string[] }> {
  const { from = issued, to = issued + 90 * day, date, name = "localhost", authority = ca, intermediate } = wish;
  const dates = { notBefore: new Date(from), notAfter: new Date(to) };
  const { keyPem, chainPem } = await authority.issueServer({ names: [name], intermediate, ...dates });
  const server = await DateServer.start({ key: keyPem, cert: chainPem }, () => date);
  t.after(() => server.close());
  const https = { host: "localhost", port: server.port, roots: [ca.certPem], timeout: 5000 };
  return { ...(await askForTime({ released, https })), requests: server.requests };
}

const near = (outcome: TimeOutcome, time: number) => {
  assert.ok(Math.abs((outcome.time ?? 0) - time) < 5000, `${JSON.stringify(outcome)} instead of ${time}`);
};
const dateOf = (time: number) => new Date(time).toUTCString();

test("two time servers that agree", async (t) => {
  const outcome = await askForTime({
    released,
    servers: await servers(t, ntpAnswer(issued), ntpAnswer(issued + 3000)),
  });
  near(outcome, issued + 3000);
  assert.equal(outcome.state, "confirmed");
});

test("the second is asked when the first is silent, or absurd, and is doubtful alone", async (t) => {
  for (const first of [undefined, await fixture(2025), await fixture(2036), ntpAnswer(Date.UTC(2099, 0, 1))]) {
    const outcome = await askForTime({ released, servers: await servers(t, first, ntpAnswer(issued)) });
    near(outcome, issued);
    assert.equal(outcome.state, "doubtful");
  }
});

test("2036 and 2025 are not believed, alone or together, nor one of two that contradict each other", async (t) => {
  for (const year of [2025, 2036]) {
    const answer = await fixture(year);
    assert.equal((await askForTime({ released, servers: await servers(t, answer) })).code, "BadTime");
  }
  const two = await servers(t, await fixture(2036), await fixture(2036));
  assert.equal((await askForTime({ released, servers: two })).code, "BadTime");
  const contradiction = await servers(t, ntpAnswer(issued + 100 * day), ntpAnswer(issued));
  assert.equal((await askForTime({ released, servers: contradiction })).code, "BadTime");
});

test("no time server: NoAnswer", async (t) => {
  const outcome = await askForTime({ released, servers: await servers(t, undefined, undefined) });
  assert.deepEqual([outcome.code, outcome.state], ["NoAnswer", "unset"]);
});

test("the Date of a server whose certificates are good then", async (t) => {
  for (const intermediate of [false, true]) {
    const time = issued + 30 * day;
    const outcome = await askServer(t, { date: dateOf(time), intermediate });
    near(outcome, time);
    assert.deepEqual([outcome.state, outcome.source], ["confirmed", "https"]);
    assert.deepEqual(outcome.requests, ["HEAD / localhost"]);
  }
});

test("a certificate that has expired by our calendar is good at the Date that it was good at: it is as old as the firmware at most", async (t) => {
  const time = released + 5 * day;
  near(await askServer(t, { from: released - 60 * day, to: released + 6 * day, date: dateOf(time) }), time);
});

test("a Date at which the certificate is not good: Expired, NotYetValid", async (t) => {
  assert.equal((await askServer(t, { date: dateOf(issued + 91 * day) })).code, "Expired");
  assert.equal((await askServer(t, { date: dateOf(issued - day) })).code, "NotYetValid");
});

test("an old certificate with its old Date is bounded by the release: Expired in the handshake, BadTime for the Date", async (t) => {
  const over = await askServer(t, { from: released - 90 * day, to: released - day, date: dateOf(released - 30 * day) });
  assert.deepEqual([over.code, over.requests], ["Expired", []]);
  const before = await askServer(t, { from: released - 90 * day, to: released + day, date: dateOf(released - 1000) });
  assert.equal(before.code, "BadTime");
});

test("chain and name are verified as ever, before anything is asked", async (t) => {
  const date = dateOf(issued + day);
  const other = await LocalCA.create();
  const stranger = await askServer(t, { date, authority: other });
  assert.deepEqual([stranger.code, stranger.requests], ["UnknownCA", []]);
  const misnamed = await askServer(t, { date, name: "other.example" });
  assert.deepEqual([misnamed.code, misnamed.requests], ["NameMismatch", []]);
});

test("a server without a Date, or with one that is none: BadTime", async (t) => {
  assert.equal((await askServer(t, {})).code, "BadTime");
  assert.equal((await askServer(t, { date: "tomorrow" })).code, "BadTime");
});

test("where time servers contradict each other, or UDP is blocked, the Date decides", async (t) => {
  const { keyPem, chainPem } = await ca.issueServer({
    names,
    notBefore: new Date(issued),
    notAfter: new Date(issued + 90 * day),
  });
  const server = await DateServer.start({ key: keyPem, cert: chainPem }, () => dateOf(issued + day));
  t.after(() => server.close());
  const https = { host: "localhost", port: server.port, roots: [ca.certPem] };
  for (const answers of [
    [undefined, undefined],
    [ntpAnswer(issued), ntpAnswer(issued + 40 * day)],
    [await fixture(2036), await fixture(2025)],
  ]) {
    const outcome = await askForTime({ released, servers: await servers(t, ...answers), https });
    near(outcome, issued + day);
    assert.equal(outcome.state, "confirmed");
  }
});

test("a server that says nothing, and one that is not there", async (t) => {
  const silent = await NTPServer.start();
  t.after(() => silent.close());
  const https = { host: "localhost", port: 9, roots: [ca.certPem], timeout: 2000 };
  assert.equal((await askForTime({ released, https })).code, "ConnectionFailed");
  assert.equal((await askForTime({ released, https: { ...https, host: "no.invalid" } })).code, "HostNotFound");
});
