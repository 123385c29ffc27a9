import { type Command, executeCommand } from "../../../modules/app/commands";
import { MQTTCommands } from "../../../modules/app/mqtt-commands";
import { equal, test } from "../harness";

/** Records that outlive the commands, as the storage does. */
class Records {
  readonly all = new Map<string, string>();
  writes = 0;
  isFull = false;

  read<T extends object>(key: string): T | undefined {
    const text = this.all.get(key);
    return text === undefined ? undefined : JSON.parse(text);
  }

  write(key: string, record: object): void {
    if (this.isFull) throw new Error("full");
    this.writes += 1;
    this.all.set(key, JSON.stringify(record));
  }
}

function setUp(respond?: () => Promise<unknown>, records = new Records()) {
  const answers: string[] = [];
  let runs = 0;
  let ended = 0;
  const commands: Record<string, Command<undefined>> = {
    Count: { endpoint: "camera-command", overMQTT: true, run: () => ({ runs: ++runs }) },
    Take: { endpoint: "camera-command", overMQTT: true, isLasting: true, run: () => ({ runs: ++runs }) },
    Fail: { endpoint: "camera-command", overMQTT: true, isLasting: true, run: () => Promise.reject(new Error("no")) },
  };
  let retained = 0;
  const receiver = new MQTTCommands({
    device: {
      execute: (message, transport) => executeCommand(commands, undefined, message, transport),
      isLasting: ({ type }) => commands[type as string]?.isLasting === true,
    },
    records,
    commandRetained: () => {
      retained += 1;
    },
    respond: respond ?? (async (answer) => answers.push(answer)),
    commandEnded: () => {
      ended += 1;
    },
  });
  const send = (text: string, retain = false) => receiver.receive(ArrayBuffer.fromString(text), retain);
  return { answers, send, records, count: () => ended, runs: () => runs, retained: () => retained };
}

test("a command is carried out and answered", async () => {
  const { answers, send } = setUp();
  await send('{"type":"Count","clientToken":"a"}');
  equal(answers.join(), '{"type":"Count","clientToken":"a","runs":1}');
});

test("a repeated token is not carried out again", async () => {
  const { answers, send } = setUp();
  await send('{"type":"Count","clientToken":"a"}');
  await send('{"type":"Count","clientToken":"a"}');
  await send('{"type":"Count","clientToken":"b"}');
  equal(answers.length, 2);
  equal(answers[1], '{"type":"Count","clientToken":"b","runs":2}');
});

test("tokens are forgotten oldest first", async () => {
  const { answers, send } = setUp();
  for (let i = 0; i < 9; i++) await send(`{"type":"Count","clientToken":"t${i}"}`);
  await send('{"type":"Count","clientToken":"t8"}');
  equal(answers.length, 9);
  await send('{"type":"Count","clientToken":"t0"}');
  equal(answers.length, 10);
});

test("what is no command is answered with an error", async () => {
  const { answers, send } = setUp();
  const whole = '{"type":"Count"}';
  for (let cut = 0; cut < whole.length; cut++) await send(whole.slice(0, cut));
  for (const text of ["null", "7", '"x"', "[]", `{"type":"${"x".repeat(7000)}"}`]) await send(text);
  equal(answers.length, whole.length + 5);
  for (const answer of answers) equal(answer.includes('"error"'), true, answer);
});

test("an answer that cannot be sent is dropped quietly", async () => {
  let tries = 0;
  const { send } = setUp(() => {
    tries += 1;
    return Promise.reject(new Error("offline"));
  });
  await send('{"type":"Count"}');
  equal(tries, 1);
});

test("a command whose answer could not be sent may come again with its token", async () => {
  const answers: string[] = [];
  let isOnline = false;
  const { send } = setUp(async () => {
    if (!isOnline) throw new Error("offline");
    answers.push("sent");
  });
  await send('{"type":"Count","clientToken":"a"}');
  isOnline = true;
  await send('{"type":"Count","clientToken":"a"}');
  await send('{"type":"Count","clientToken":"a"}');
  equal(answers.length, 1);
});

test("one command at a time: until it has ended, and its answer is queued, no other one is wanted", async () => {
  const order: string[] = [];
  let end = () => {};
  let queued = () => {};
  const answers: { clientToken?: string; error?: { code: string } }[] = [];
  let ended = 0;
  const receiver = new MQTTCommands({
    device: {
      execute: ({ type, clientToken }) => {
        order.push(clientToken as string);
        return new Promise((resolve) => {
          end = () => resolve({ type, clientToken });
        });
      },
      isLasting: () => false,
    },
    records: new Records(),
    commandRetained: () => {},
    respond: (answer) => {
      answers.push(JSON.parse(answer));
      return new Promise<void>((resolve) => {
        queued = resolve;
      });
    },
    commandEnded: () => {
      equal(receiver.isBusy, false);
      ended += 1;
    },
  });
  const send = (token: string) =>
    receiver.receive(ArrayBuffer.fromString(JSON.stringify({ type: "Slow", clientToken: token })));
  const done = send("first");
  equal(receiver.isBusy, true);
  const refused = send("second");
  queued();
  await refused;
  equal(
    answers.map(({ error }) => error?.code),
    ["Busy"],
    "who does not wait is refused, unread",
  );
  end();
  for (let i = 0; i < 20; i++) await undefined;
  equal([receiver.isBusy, ended], [true, 0], "not before the answer is queued");
  queued();
  await done;
  equal([receiver.isBusy, ended, order.join()], [false, 1, "first"]);
});

test("what is no command, and what was carried out before, make room for the next one as well", async () => {
  const { send, count } = setUp();
  await send("{");
  await send('{"type":"Count","clientToken":"a"}');
  await send('{"type":"Count","clientToken":"a"}');
  equal(count(), 3);
});

test("what changed something is known after a restart, and is answered as repeated, once", async () => {
  const first = setUp();
  await first.send('{"type":"Take","clientToken":"a"}');
  await first.send('{"type":"Count","clientToken":"b"}');
  await first.send('{"type":"Fail","clientToken":"c"}');
  await first.send('{"type":"Take"}');
  equal(first.records.writes, 1, "nothing is written for what changes nothing, has failed, or has no token");
  const again = setUp(undefined, first.records);
  for (let i = 0; i < 2; i += 1)
    for (const token of ["a", "b", "c"]) await again.send(`{"type":"Take","clientToken":"${token}"}`);
  equal(
    again.answers
      .map((answer) => JSON.parse(answer))
      .map(({ clientToken, error, runs }) => [clientToken, error?.code ?? runs]),
    [
      ["a", "Repeated"],
      ["b", 1],
      ["c", 2],
    ],
  );
});

test("the last eight are kept, over any number of restarts", async () => {
  const { records } = setUp();
  for (let i = 0; i < 10; i += 1) await setUp(undefined, records).send(`{"type":"Take","clientToken":"t${i}"}`);
  const last = setUp(undefined, records);
  for (let i = 9; i >= 0; i -= 1) await last.send(`{"type":"Take","clientToken":"t${i}"}`);
  equal(last.runs(), 2, "the two oldest are forgotten");
});

test("storage that is full or holds something else keeps no command from being carried out", async () => {
  for (const broken of [{}, { marks: 7 }, { marks: "x" }, { marks: ["a", {}, null, 1e20] }, { marks: [] }]) {
    const records = new Records();
    records.write("commands", broken);
    records.isFull = true;
    const { send, answers, runs } = setUp(undefined, records);
    await send('{"type":"Take","clientToken":"a"}');
    await send('{"type":"Take","clientToken":"a"}');
    equal([runs(), answers.length], [1, 1]);
  }
});

test("a retained command is not carried out, told of at each start, and answered once", async () => {
  const command = '{"type":"Take","resolution":"QVGA","clientToken":"kept-by-the-broker"}';
  const { records } = setUp();
  const answers: string[] = [];
  for (let start = 0; start < 3; start += 1) {
    const it = setUp(undefined, records);
    await it.send(command, true);
    equal([it.runs(), it.retained(), it.count()], [0, 1, 1]);
    answers.push(...it.answers);
  }
  const [{ type, clientToken, error }, ...more] = answers.map((answer) => JSON.parse(answer));
  equal([type, clientToken, error.code, more.length], ["Take", "kept-by-the-broker", "Retained", 0]);
});

test("one that was carried out as it was published is told of when the broker brings it again", async () => {
  const command = '{"type":"Take","clientToken":"a"}';
  const first = setUp();
  await first.send(command);
  const again = setUp(undefined, first.records);
  await again.send(command, true);
  equal([again.runs(), again.answers.length, JSON.parse(again.answers[0]).error.code], [0, 1, "Retained"]);
  const third = setUp(undefined, first.records);
  await third.send(command, true);
  equal([third.runs(), third.answers.length, third.retained()], [0, 0, 1]);
  await third.send('{"type":"Take","clientToken":"b"}');
  equal(third.runs(), 1, "what follows is carried out");
});

test("an empty retained message takes one away, and is nothing to be told of", async () => {
  const { send, answers, retained, count, records } = setUp();
  await send("", true);
  equal([answers.length, retained(), records.writes, count()], [0, 0, 0, 0]);
  await send('{"type":"Count"}');
  equal(answers.length, 1);
});

test("a retained message without a token, and one that is no command, are answered once as well", async () => {
  const { records } = setUp();
  for (const [text, code] of [
    ['{"type":"Take"}', "Retained"],
    ["{", "BadMessage"],
    ['{"type":7,"clientToken":[1]}', "Retained"],
  ]) {
    const first = setUp(undefined, records);
    await first.send(text, true);
    const second = setUp(undefined, records);
    await second.send(text, true);
    equal([first.answers.length, JSON.parse(first.answers[0]).error.code, second.answers.length], [1, code, 0]);
    equal([first.runs(), second.runs(), second.count()], [0, 0, 1]);
  }
});
