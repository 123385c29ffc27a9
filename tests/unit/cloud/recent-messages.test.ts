import { fingerprint, RecentMessages } from "../../../modules/cloud/recent-messages";
import { equal, test } from "../harness";

const message = (id: number, text = "payload", topic = "topic", duplicate = true) => ({
  id,
  topic,
  payload: ArrayBuffer.fromString(text),
  duplicate,
});

test("the fingerprint is FNV-1a of 32 bits, as published", () => {
  const of = (text: string) => fingerprint(new Uint8Array(ArrayBuffer.fromString(text))) >>> 0;
  equal([of(""), of("a"), of("b"), of("foobar")], [0x811c9dc5, 0xe40c292c, 0xe70c2de5, 0xbf9cf968]);
});

test("a repetition has the same identifier, topic and payload, and is marked", () => {
  const recent = new RecentMessages();
  equal(recent.isRepetition(message(1)), false, "the first may be marked: the one before it was lost");
  equal(recent.isRepetition(message(1)), true);
  equal(recent.isRepetition(message(1, "payload", "topic", false)), false, "two equal commands may both be meant");
  equal(recent.isRepetition(message(2)), false);
  equal(recent.isRepetition(message(1, "payloae")), false);
  equal(recent.isRepetition(message(1, "payload", "topid")), false);
  equal(recent.isRepetition(message(1)), true);
});

test("the last eight are remembered", () => {
  const recent = new RecentMessages();
  for (let id = 1; id <= 8; id += 1) equal(recent.isRepetition(message(id)), false);
  for (let id = 1; id <= 8; id += 1) equal(recent.isRepetition(message(id)), true, String(id));
  equal(recent.isRepetition(message(9)), false);
  for (let id = 2; id <= 9; id += 1) equal(recent.isRepetition(message(id)), true, String(id));
  equal(recent.isRepetition(message(1)), false);
  equal(recent.isRepetition(message(3)), true);
  equal(recent.isRepetition(message(2)), false, "the first has taken its place again");
});
