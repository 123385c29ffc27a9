import { type Command, executeCommand } from "../../../modules/app/commands";
import { MQTTCommands } from "../../../modules/app/mqtt-commands";
import { equal, test } from "../harness";

function setUp(respond?: () => Promise<unknown>) {
  const answers: string[] = [];
  let runs = 0;
  let ended = 0;
  const commands: Record<string, Command<undefined>> = {
    Count: { endpoint: "camera-command", overMQTT: true, run: () => ({ runs: ++runs }) },
  };
  const receiver = new MQTTCommands({
    device: { execute: (message, transport) => executeCommand(commands, undefined, message, transport) },
    respond: respond ?? (async (answer) => answers.push(answer)),
    commandEnded: () => {
      ended += 1;
    },
  });
  const send = (text: string) => receiver.receive(ArrayBuffer.fromString(text));
  return { answers, send, count: () => ended };
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
    },
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
