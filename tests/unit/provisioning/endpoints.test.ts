import { Protocomm } from "../../../modules/provisioning/protocomm";
import { assert, equal, sleep, test } from "../harness";
import { bytes, device, Phone, text } from "./phone";

class Refusal extends Error {
  readonly code = "NoFilm";
}

test("messages and answers of many fragments, at every size of value from an MTU of 23 on", async () => {
  const target = device();
  const phone = new Phone(target).open();
  const message = { type: "Echo", text: "Straße 📷 ".repeat(150) };
  for (const size of [20, 21, 64, 182, 244, 512])
    equal(JSON.parse(await phone.ask("camera-command", message, size)), message);
  equal(target.asked.length, 6);
});

test("while the handler works a read gives an empty value, which is no part of the stream", async () => {
  let finish: (answer: object) => void = () => undefined;
  const target = device({
    handler: () =>
      new Promise((resolve) => {
        finish = resolve;
      }),
  });
  const phone = new Phone(target).open();
  for (const fragment of phone.fragments({ type: "Slow" })) phone.write("camera-command", fragment);
  for (let i = 0; i < 10; i++) equal(phone.read("camera-command").length, 0);
  await sleep(1);
  finish({ done: true });
  equal(text(await phone.answer("camera-command")), '{"done":true}');
});

test("what a handler throws is an answer", async () => {
  const answers: (() => object | Promise<object>)[] = [
    () => {
      throw new Refusal("insert a film");
    },
    async () => {
      throw new TypeError("oh");
    },
  ];
  const target = device({ handler: () => answers.shift()!() });
  const phone = new Phone(target).open();
  equal(await phone.ask("camera-command", {}), '{"error":{"code":"NoFilm","message":"insert a film"}}');
  equal(await phone.ask("camera-command", {}), '{"error":{"code":"InternalError","message":"oh"}}');
  assert(phone.link.hasSession);
});

test("an answer that is too long is an error, and the session goes on", async () => {
  const target = device({ handler: () => ({ text: "x".repeat(1000) }), maximumMessage: 500 });
  const phone = new Phone(target).open();
  equal(JSON.parse(await phone.ask("camera-command", {})).error.code, "AnswerTooLong");
  equal(JSON.parse(await phone.ask("camera-command", {})).error.code, "AnswerTooLong");
});

test("a handler that never ends is an error after its time, and a late answer answers nothing", async () => {
  let finish: (answer: object) => void = () => undefined;
  const target = device({
    handler: () =>
      new Promise((resolve) => {
        finish = resolve;
      }),
  });
  const phone = new Phone(target).open();
  phone.write("camera-command", phone.fragments({})[0]);
  target.clock.now += 5000;
  equal(phone.read("camera-command").length, 0);
  await sleep(1);
  const late = finish;
  target.clock.now += 1;
  equal(JSON.parse(text(await phone.answer("camera-command"))).error.code, "Timeout");
  phone.write("camera-command", phone.fragments({})[0]);
  late({ late: true });
  await sleep(1);
  equal(phone.read("camera-command").length, 0);
  finish({ right: true });
  equal(text(await phone.answer("camera-command")), '{"right":true}');
});

test("the answer of a session that has ended goes nowhere", async () => {
  let finish: (answer: object) => void = () => undefined;
  const target = device({
    handler: () =>
      new Promise((resolve) => {
        finish = resolve;
      }),
  });
  const phone = new Phone(target).open();
  phone.write("camera-command", phone.fragments({})[0]);
  await sleep(1);
  phone.open();
  finish({ old: true });
  await sleep(1);
  equal(phone.read("camera-command").length, 0);
});

/** Every way to send something that is no message. Each ends the session with the named error; nothing has been asked. */
const faults: [string, string, (phone: Phone) => void][] = [
  [
    "a fragment is missing",
    "OutOfOrder",
    (phone) => phone.write("camera-command", phone.fragments("x".repeat(90), 40)[1]),
  ],
  [
    "fragments are swapped",
    "OutOfOrder",
    (phone) => {
      const [first, , third] = phone.fragments("x".repeat(110), 40);
      phone.write("camera-command", first);
      phone.write("camera-command", third);
    },
  ],
  [
    "another endpoint in the middle of a message",
    "OutOfOrder",
    (phone) => {
      const [first, second] = phone.fragments("x".repeat(60), 40);
      phone.write("camera-cert", first);
      phone.write("camera-command", second);
    },
  ],
  [
    "the message is too long",
    "MessageTooLong",
    (phone) => {
      for (const each of phone.fragments("x".repeat(501), 200)) phone.write("camera-command", each);
    },
  ],
  ["the message is not JSON", "InvalidMessage", (phone) => phone.write("camera-command", phone.fragments("hello")[0])],
  [
    "the message is not an object",
    "InvalidMessage",
    (phone) => phone.write("camera-command", phone.fragments("[1]")[0]),
  ],
  ["the message is null", "InvalidMessage", (phone) => phone.write("camera-command", phone.fragments("null")[0])],
  [
    "the message is not UTF-8",
    "InvalidMessage",
    (phone) => phone.write("camera-command", bytes(0x80, phone.transform(bytes(0x22, 0xff, 0x22)))),
  ],
  [
    "the message is in the clear",
    "InvalidMessage",
    (phone) => phone.write("camera-command", bytes(0x80, '{"type":"Hello"}')),
  ],
  ["nothing but a header", "InvalidMessage", (phone) => phone.write("camera-command", bytes(0x80))],
  ["an unknown endpoint", "UnknownEndpoint", (phone) => phone.write("camera-command2", phone.fragments({})[0])],
  ["an endpoint of Object.prototype", "UnknownEndpoint", (phone) => phone.write("constructor", phone.fragments({})[0])],
];

/** A message is read in a promise job. */
async function settled(): Promise<void> {
  for (let i = 0; i < 5; i += 1) await undefined;
}

for (const [what, code, send] of faults)
  test(`${what}: ${code}`, async () => {
    const target = device({ maximumMessage: 500 });
    const phone = new Phone(target).open();
    send(phone);
    await settled();
    const endpoint = ["camera-command2", "constructor"].find((name) => phone.refusal(name)) ?? "camera-command";
    equal(phone.refusal(endpoint), code);
    assert(!target.protocomm.busy);
    equal(target.asked, []);
    phone.open();
  });

test("a message over a bound is answered with the bound's name, and the session goes on", async () => {
  const target = device();
  const phone = new Phone(target).open();
  for (const [message, code] of [
    [`{"a":${"[".repeat(8)}${"]".repeat(8)}}`, "TooDeep"],
    [`{"a":${"[".repeat(400)}`, "TooDeep"],
    [`{"a":[${"1,".repeat(70)}1]}`, "TooManyValues"],
    [`{"a":"${"x".repeat(4097)}"}`, "StringTooLong"],
    [`{"${"x".repeat(65)}":1}`, "StringTooLong"],
    [`{"a":${"1".repeat(41)}}`, "NumberTooLong"],
  ]) {
    for (const fragment of phone.fragments(message)) phone.write("camera-command", fragment);
    const { error } = JSON.parse(text(await phone.answer("camera-command")));
    equal([error.code, error.message.split(":")[0]], ["BadMessage", code]);
  }
  equal(target.asked, []);
  const [fragment] = phone.fragments({ type: "Hello" });
  phone.write("camera-command", fragment);
  equal(text(await phone.answer("camera-command")), '{"type":"Hello"}');
});

test("a message that is played again ends the session", async () => {
  const target = device();
  const phone = new Phone(target).open();
  const [message] = phone.fragments({ type: "Once" });
  phone.write("camera-command", message);
  await phone.answer("camera-command");
  phone.write("camera-command", message);
  await settled();
  equal(phone.refusal("camera-command"), "InvalidMessage");
  equal(target.asked, [{ type: "Once" }]);
});

test("a message cut at every byte is refused, and nothing is asked", async () => {
  const target = device();
  const message = '{"type":"Hello","n":1}';
  for (let length = 1; length <= message.length; length++) {
    const phone = new Phone(target).open();
    const [fragment] = phone.fragments(message);
    phone.write("camera-command", fragment.slice(0, length));
    await settled();
    equal(phone.refusal("camera-command"), "InvalidMessage");
    phone.link.close();
  }
  equal(target.asked, []);
});

test("requests are one at a time", async () => {
  const target = device();
  for (const second of ["camera-command", "camera-cert", "prov-config"]) {
    const phone = new Phone(target).open();
    phone.write("camera-command", phone.fragments({ n: 1 })[0]);
    phone.write(second, phone.fragments({ n: 2 })[0]);
    equal(phone.refusal(second), "RequestPending");
    await sleep(1);
    equal(phone.read("camera-command").length > 0 && second !== "camera-command", false);
    phone.link.close();
  }
  equal(target.asked, [{ n: 1 }, { n: 1 }, { n: 1 }]);
});

test("a request of Espressif's in the middle of a message is out of order", () => {
  const phone = new Phone(device()).open();
  phone.write("camera-command", phone.fragments("x".repeat(60), 40)[0]);
  phone.write("prov-config", phone.transform(bytes(1, 2)));
  equal(phone.refusal("prov-config"), "OutOfOrder");
});

test("a malformed request to Espressif's endpoints ends the session and cannot be taken for a success", () => {
  const target = device();
  const phone = new Phone(target).open();
  phone.write("prov-config", phone.transform(bytes(1, 2, 3)));
  equal(phone.refusal("prov-config"), "InvalidMessage");
  // As a protobuf message, in the clear or decrypted, the refusal does not parse: 0xFF 0x7B has wire type 7.
  equal(phone.read("prov-config").slice(0, 2), bytes(0xff, 0x7b));
  equal(target.asked, []);
});

test("an exception in an endpoint does not reach the Bluetooth stack", () => {
  const phone = new Phone(device()).open();
  phone.write("prov-config", phone.transform(bytes(1, 2, 3, 4)));
  equal(phone.refusal("prov-config"), "InternalError");
  phone.open();
});

test("whatever is written, nothing is thrown and nothing is done", { timeout: 60_000 }, () => {
  const target = device();
  const endpoints = ["proto-ver", "prov-session", "prov-config", "prov-scan", "camera-command", "camera-cert", "x"];
  let seed = 1;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
    return (seed >> 8) % below;
  };
  for (let round = 0; round < 40; round++) {
    const phone = new Phone(target);
    if (round % 2) phone.open();
    for (let i = 0; i < 12; i++) {
      const value = Uint8Array.from({ length: random(60) }, () => random(256));
      // The first fragment of a message more often than chance would have it.
      if (value.length && random(3) === 0) value[0] = random(2) << 7;
      phone.write(endpoints[random(endpoints.length)], value);
      phone.read(endpoints[random(endpoints.length)], 20);
    }
    phone.link.close();
    target.clock.now += 600_000;
  }
  equal(
    target.asked.filter((each) => !Array.isArray(each)),
    [],
  );
  new Phone(target).open();
});

test("empty writes are ignored, as Espressif's device does", async () => {
  const phone = new Phone(device()).open();
  phone.write("camera-command", new Uint8Array(0));
  phone.write("prov-session", new Uint8Array(0));
  equal(await phone.ask("camera-command", { a: 1 }), '{"a":1}');
});

test("a handler has a minute, unless the options say otherwise, and its answer comes too late after that", async () => {
  const target = device({ handler: () => new Promise(() => {}) });
  const protocomm = new Protocomm({ ...target.protocomm.options, requestTimeout: undefined });
  const phone = new Phone(protocomm.open()).open();
  phone.write("camera-command", phone.fragments({ type: "Hello" })[0]);
  await null;
  target.clock.now += 60_000;
  equal(phone.read("camera-command").length, 0);
  target.clock.now += 1;
  equal(JSON.parse(text(await phone.answer("camera-command"))).error.code, "Timeout");
});

test("a message that cannot be read, of a session that has ended meanwhile, does not end the next one", async () => {
  const target = device();
  const phone = new Phone(target).open();
  for (const fragment of phone.fragments("no JSON")) phone.write("camera-command", fragment);
  phone.open();
  for (let i = 0; i < 5; i += 1) await null;
  equal([phone.link.hasSession, phone.refusal("camera-command")], [true, ""]);
  equal(await phone.ask("camera-command", { type: "Hello" }), '{"type":"Hello"}');
});
