import type { Bench, Case } from "../case.ts";
import type { Peer } from "../peer.ts";
import { difference, isSubscribed, ShadowService } from "../shadow-service.ts";
import { check, type Outcome, pass } from "../verdict.ts";

/** As in the real tool. */
const clientToken = "DeviceAdvisorShadowTestCaseSetup";
const limit = 60_000;

async function open(bench: Bench): Promise<[Peer, ShadowService]> {
  const peer = await bench.connection();
  const shadow = new ShadowService(peer.packets("CONNECT")[0]!.clientId!, bench.settings.shadowName);
  shadow.serve(peer);
  return [peer, shadow];
}

async function reportedState(peer: Peer, shadow: ShadowService): Promise<object> {
  const packet = await peer.expect(
    `reported state on ${shadow.updateTopic}`,
    "PUBLISH",
    ({ topic, payload }) => topic === shadow.updateTopic && reportedIn(payload!) !== undefined,
    { timeout: limit },
  );
  return reportedIn(packet.payload!)!;
}

function reportedIn(payload: Buffer): object | undefined {
  try {
    return JSON.parse(payload.toString()).state?.reported;
  } catch {
    return undefined;
  }
}

async function publishReported(bench: Bench): Promise<Outcome> {
  const [peer, shadow] = await open(bench);
  return pass(JSON.stringify(await reportedState(peer, shadow)).slice(0, 60));
}

async function updateReported(bench: Bench): Promise<Outcome> {
  const [peer, shadow] = await open(bench);
  const update = shadow.updateTopic;
  await peer.until(() => isListening(peer, update), limit);
  check(isListening(peer, update), `no SUBSCRIBE to ${update}/delta or /documents in ${limit / 1000} s`);
  const wish = bench.settings.desiredState as Record<string, unknown>;
  shadow.desire(peer, wish, clientToken);
  // A client that takes the wish back, instead of fulfilling it, does not get away with it.
  const remains = () => difference(wish, shadow.reported);
  await peer.until(() => (remains() ? undefined : true), limit);
  check(!remains(), `still desired after ${limit / 1000} s: ${JSON.stringify(remains())}`);
  return pass("reported is what was desired");
}

const isListening = (peer: Peer, update: string): true | undefined =>
  isSubscribed(peer, `${update}/delta`) || isSubscribed(peer, `${update}/documents`) || undefined;

export const shadowCases: Case[] = [
  { id: "Shadow_Publish_Reported_State", category: "Shadow", run: publishReported },
  { id: "Shadow_Update_Reported_State", category: "Shadow", run: updateReported },
];
