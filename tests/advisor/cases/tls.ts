/** The seven TLS cases. */
import { type Bench, type Case, deliver, filler, triggerTopic } from "../case.ts";
import type { Handshake, Peer } from "../peer.ts";
import { recommendedSuites, supportedSuites } from "../tls-wire.ts";
import { CaseFailure, check, type Outcome, pass, warn } from "../verdict.ts";

/** More than four records of the longest kind. */
const largePayload = 70_000;
/** TLS: a record carries 16 KB at most. */
const maximumFragment = 16_384;

async function completed(bench: Bench): Promise<Peer> {
  const peer = await bench.endpoint.next();
  const handshake = await peer.secured();
  check(handshake, "the handshake did not end");
  if (!handshake.completed) throw new CaseFailure(`the handshake failed: ${handshake.alert ?? handshake.error}`);
  return peer;
}

async function connect(bench: Bench): Promise<Outcome> {
  const { tap } = await completed(bench);
  if (tap.warnings.length) return warn(`TLS warning alerts ${tap.warnings.join(", ")}`);
  return pass(`handshake completed${tap.hello?.serverName ? "" : ", without SNI"}`);
}

async function receiveFragments(bench: Bench): Promise<Outcome> {
  const peer = await bench.connection();
  const topic = await triggerTopic(peer);
  await deliver(peer, topic, filler(largePayload));
  check(peer.tap.longestSent >= maximumFragment, "the advisor's records were too short");
  await deliver(peer, topic, "still there?");
  return pass(`${largePayload} bytes in records of 16 KB, and the connection lives on`);
}

async function supportSuites(bench: Bench): Promise<Outcome> {
  const peer = await bench.endpoint.next();
  await peer.secured();
  const suites = peer.tap.hello?.suites;
  check(suites, "no ClientHello");
  const hex = (suite: number) => `0x${suite.toString(16).padStart(4, "0")}`;
  const unsupported = suites.filter((suite) => !supportedSuites.has(suite));
  const recommended = suites.filter((suite) => recommendedSuites.has(suite));
  check(unsupported.length < suites.length, `none of the client's suites is supported: ${suites.map(hex)}`);
  if (!recommended.length) return warn(`only suites that are not recommended: ${suites.map(hex)}`);
  if (unsupported.length)
    return warn(`${unsupported.length} of ${suites.length} unsupported, as ${hex(unsupported[0]!)}`);
  return pass(`${suites.length} suites, ${recommended.length} of them recommended, none unsupported`);
}

async function largeCertificate(bench: Bench): Promise<Outcome> {
  await completed(bench);
  return pass("handshake completed");
}

/**
 * The client sees a certificate that it must not accept, twice if it tries again. Refused is who sends a ClientHello
 * and closes before a byte of anything else: some TLS libraries look at the certificate only when the handshake is over, and then send no alert.
 */
async function refusals(bench: Bench): Promise<(Handshake & { alert?: string })[]> {
  const seen: Handshake[] = [await refusal(await bench.endpoint.next())];
  const again = await bench.endpoint.next(30_000).catch(() => undefined);
  if (again) seen.push(await refusal(again));
  return seen;
}

async function refusal(peer: Peer): Promise<Handshake> {
  await peer.until(() => peer.endedAt ?? (peer.hasSpoken || undefined), 60_000);
  check(peer.tap.hello, "no ClientHello: the client has not seen the certificate");
  check(!peer.hasSpoken, "the client accepted the certificate and sent something");
  check(!peer.isOpen, "the client neither closed the connection nor used it in 60 s");
  return peer.handshake!;
}

const alertOf = (handshake: Handshake) => (handshake.completed ? undefined : handshake.alert);
const describe = (handshakes: Handshake[]) => `refused ${handshakes.length === 1 ? "once" : "twice"}`;

async function refuse(bench: Bench): Promise<Outcome> {
  const seen = await refusals(bench);
  return pass(`${describe(seen)}, ${alertOf(seen[0]!) ? `alert ${alertOf(seen[0]!)}` : "without an alert"}`);
}

async function refuseWithAlert(bench: Bench): Promise<Outcome> {
  const seen = await refusals(bench);
  if (!seen.every(alertOf)) return warn(`${describe(seen)}, without an alert`);
  return pass(`${describe(seen)}, alert ${alertOf(seen[0]!)}`);
}

const tls = (id: string, run: Case["run"], certificate: Case["certificate"] = "ordinary"): Case => ({
  id,
  category: "TLS",
  qualification: true,
  certificate,
  run,
});

export const tlsCases: Case[] = [
  tls("TLS_Connect", connect),
  tls("TLS_Receive_Maximum_Size_Fragments", receiveFragments),
  tls("TLS_Support_AWS_IoT_Cipher_Suites", supportSuites),
  tls("TLS_Large_Size_Server_Cert", largeCertificate, "large"),
  tls("TLS_Unsecure_Server_Cert", refuse, "foreign"),
  tls("TLS_Incorrect_Subject_Name_Server_Cert", refuse, "otherName"),
  tls("TLS_Expired_Server_Cert", refuseWithAlert, "expired"),
];
