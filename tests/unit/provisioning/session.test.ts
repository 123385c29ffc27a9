import { Protocomm } from "../../../modules/provisioning/protocomm";
import { sessionResponse1 } from "../../../modules/provisioning/session-messages";
import { assert, equal, test } from "../harness";
import { bytes, command0, command1, device, Phone, statusOf, text } from "./phone";

const Status = {
  invalidScheme: 1,
  invalidProtocol: 2,
  tooManySessions: 3,
  invalidArgument: 4,
  crypto: 6,
  invalidSession: 7,
};

test("proto-ver says what network_provisioning says, with or without a request", () => {
  const phone = new Phone(device());
  equal(JSON.parse(text(phone.read("proto-ver"))).prov.ver, "netprov-v1.2");
  phone.write("proto-ver", bytes("---"));
  const version = JSON.parse(text(phone.read("proto-ver")));
  equal(version.prov, { ver: "netprov-v1.2", sec_ver: 2, sec_patch_ver: 1, cap: ["wifi_prov", "wifi_scan"] });
  equal(version.devicelink, { ver: "1", busy: false, retryAfter: 0 });
});

test("a session opens, carries a request of either kind, and ends with the link", async () => {
  const target = device();
  const phone = new Phone(target).open();
  assert(target.protocomm.busy);
  equal(await phone.ask("camera-command", { type: "Hello" }), '{"type":"Hello"}');
  phone.write("prov-config", phone.transform(bytes(1, 2)));
  equal(phone.transform(phone.read("prov-config")), bytes(2, 1));
  equal(phone.read("camera-cert").length, 0);
  phone.link.close();
  assert(!target.protocomm.busy);
  equal(target.asked, [{ type: "Hello" }, [1, 2]]);
});

test("a value can be read again in parts, as a phone does with a long one", () => {
  const phone = new Phone(device());
  phone.write("prov-session", command0(new Uint8Array(phone.keys.publicKey)));
  const first = phone.read("prov-session", 20);
  equal(phone.read("prov-session", 20), first);
  equal(first.length, 61);
});

test("a wrong proof opens nothing, and another try needs a new challenge", () => {
  const target = device();
  const phone = new Phone(target);
  phone.challenge();
  const right = phone.proof();
  equal(phone.verify(phone.proof("abcd1235")), Status.crypto);
  equal(phone.verify(right), Status.invalidSession);
  assert(!target.protocomm.busy);
  phone.write("camera-command", bytes(0x80, "{}"));
  equal(phone.refusal("camera-command"), "NoSession");
  phone.open();
  equal(target.asked, []);
});

test("a proof without a challenge, and one that is played again, are refused", () => {
  const target = device();
  const phone = new Phone(target);
  phone.write("prov-session", command1(new Uint8Array(32)));
  equal(statusOf(phone.link.read("prov-session", 512)), Status.invalidSession);
  phone.challenge();
  const proof = phone.proof();
  equal(phone.verify(proof), 0);
  phone.write("prov-session", command1(proof));
  equal(statusOf(phone.link.read("prov-session", 512)), Status.invalidSession);
  assert(target.protocomm.busy, "the session that there was goes on");
});

test("a recorded session cannot be played to another link", () => {
  const target = device();
  const phone = new Phone(target);
  phone.challenge();
  const proof = phone.proof();
  phone.verify(proof);
  const [message] = phone.fragments({ type: "Hello" });
  phone.link.close();
  const thief = new Phone(target);
  thief.write("prov-session", command0(new Uint8Array(phone.keys.publicKey)));
  thief.write("prov-session", command1(proof));
  equal(statusOf(thief.link.read("prov-session", 512)), Status.crypto);
  thief.write("camera-command", message);
  equal(thief.refusal("camera-command"), "NoSession");
  equal(target.asked, []);
});

test("wrong proofs lock everybody out, for a pause that grows; the right proof ends it", () => {
  const target = device();
  const guess = () => {
    const phone = new Phone(target);
    const status = phone.challenge();
    return status || phone.verify(phone.proof("guess"));
  };
  equal([guess(), guess(), guess()], [Status.crypto, Status.crypto, Status.crypto]);
  equal(guess(), Status.invalidSession);
  equal(JSON.parse(text(new Phone(target).read("proto-ver"))).devicelink.retryAfter, 1);
  target.clock.now += 1000;
  equal(guess(), Status.crypto);
  equal(guess(), Status.invalidSession);
  target.clock.now += 1999;
  equal(guess(), Status.invalidSession);
  target.clock.now += 1;
  new Phone(target).open().link.close();
  equal([guess(), guess()], [Status.crypto, Status.crypto]);
  new Phone(target).open();
});

test("challenges that were made before the lock do not get around it", () => {
  const target = device();
  const waiting = new Phone(target);
  waiting.challenge();
  for (let i = 0; i < 3; i++) {
    const phone = new Phone(target);
    phone.challenge();
    phone.verify(phone.proof("guess"));
  }
  equal(waiting.verify(waiting.proof()), Status.invalidSession);
});

test("a second phone is told that the camera is busy, until the first is gone", async () => {
  const target = device();
  const first = new Phone(target).open();
  const second = new Phone(target);
  equal(second.challenge(), Status.tooManySessions);
  assert(JSON.parse(text(second.read("proto-ver"))).devicelink.busy);
  second.write("camera-command", bytes(0x80, "{}"));
  equal(second.refusal("camera-command"), "Busy");
  equal(await first.ask("camera-command", { a: 1 }), '{"a":1}');
  first.link.close();
  second.open();
});

test("two phones that are challenged at the same time: the first proof wins", () => {
  const target = device();
  const one = new Phone(target);
  const two = new Phone(target);
  one.challenge();
  two.challenge();
  equal(two.verify(two.proof()), 0);
  equal(one.verify(one.proof()), Status.tooManySessions);
  assert(two.link.hasSession && !one.link.hasSession);
});

test("a phone may begin anew at any time; its old session is gone", () => {
  const target = device();
  const phone = new Phone(target).open();
  const [old] = phone.fragments({ type: "Old" });
  phone.challenge();
  assert(!target.protocomm.busy);
  phone.write("camera-command", old);
  equal(phone.refusal("camera-command"), "NoSession");
  equal(phone.challenge() || phone.verify(phone.proof()), 0);
});

test("a session that nobody uses ends", async () => {
  const target = device();
  const phone = new Phone(target).open();
  target.clock.now += 60_000;
  target.protocomm.expire();
  equal(await phone.ask("camera-command", { a: 1 }), '{"a":1}');
  target.clock.now += 60_001;
  target.protocomm.expire();
  assert(!target.protocomm.busy);
  new Phone(target).open();
});

test("session messages cut at every byte get an error status and change nothing", () => {
  const target = device();
  const phone = new Phone(target).open();
  const key = command0(new Uint8Array(phone.keys.publicKey));
  const proof = command1(new Uint8Array(32).fill(7));
  for (const message of [key, proof])
    for (let length = 1; length < message.length; length++) {
      phone.write("prov-session", message.slice(0, length));
      assert(statusOf(phone.link.read("prov-session", 512)) > 0, `${length} bytes`);
      assert(phone.link.hasSession, `the session survived ${length} bytes`);
    }
  equal(target.protocomm.limit.remaining, 0);
});

test("other security schemes and message types are refused by name", () => {
  const phone = new Phone(device());
  const statuses: [Uint8Array, number][] = [
    [bytes(0x10, 0, 0x52, 0), Status.invalidScheme],
    [bytes(0x10, 3, 0x6a, 0), Status.invalidScheme],
    [bytes(0x10, 1, 0x62, 0), Status.invalidProtocol],
    [bytes(0x10, 2, 0x5a, 0), Status.invalidProtocol],
    [bytes(0x10, 2, 0x62, 0), Status.invalidArgument],
    [bytes(0x10, 1, 0x5a, 2, 0x08, 1), Status.invalidArgument],
    [bytes(0x10, 1, 0x5a, 2, 0x08, 9), Status.invalidArgument],
    [command0(new Uint8Array(31)), Status.invalidArgument],
    [command0(new Uint8Array(33)), Status.invalidArgument],
    [bytes(0xff, 0xff, 0xff), Status.invalidProtocol],
    [bytes(new Uint8Array(512).fill(0x80)), Status.invalidProtocol],
  ];
  for (const [message, status] of statuses) {
    phone.write("prov-session", message);
    equal(statusOf(phone.link.read("prov-session", 512)), status);
  }
});

test("how long a phone has had no session: from its connection, or from the end of a session; refusals do not begin it anew", () => {
  const target = device();
  const phone = new Phone(target);
  target.clock.now += 5000;
  phone.write("camera-command", bytes(0x80, "{}"));
  phone.challenge();
  phone.verify(new Uint8Array(32));
  equal(phone.link.timeWithoutSession, 5000);
  phone.open();
  target.clock.now += 7000;
  equal(phone.link.timeWithoutSession, 0);
  phone.write("camera-command", bytes(0x05));
  equal(phone.refusal("camera-command"), "OutOfOrder");
  target.clock.now += 300;
  equal(phone.link.timeWithoutSession, 300);
  phone.challenge();
  equal(phone.link.timeWithoutSession, 300);
});

test("the proof of security 1 is field 3 of its answer, and behind it nothing", () => {
  const proof = new Uint8Array(32).fill(7);
  equal(
    new Uint8Array(sessionResponse1(1, 0, proof)),
    bytes(0x10, 1, 0x5a, 39, 0x08, 3, 0xba, 0x01, 34, 0x1a, 32, proof),
  );
  equal(
    new Uint8Array(sessionResponse1(2, 0, proof, Uint8Array.of(1, 2))),
    bytes(0x10, 2, 0x62, 43, 0x08, 3, 0xba, 0x01, 38, 0x12, 32, proof, 0x1a, 2, 1, 2),
  );
});

test("whoever wants to know is told when a session begins and when it ends", () => {
  const target = device();
  let told = 0;
  const observer = { sessionChanged: () => (told += 1) };
  const protocomm = new Protocomm({ ...target.protocomm.options, observer });
  const phone = new Phone(protocomm.open());
  equal(told, 0);
  phone.open();
  equal(told, 1);
  phone.link.close();
  phone.link.close();
  equal(told, 2);
});
