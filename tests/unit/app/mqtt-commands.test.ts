import { type Command, executeCommand } from "../../../modules/app/commands";
import { MQTTCommands } from "../../../modules/app/mqtt-commands";
import { equal, test } from "../harness";

function setUp(respond?: () => Promise<unknown>) {
  const answers: string[] = [];
  let runs = 0;
  const commands: Record<string, Command<undefined>> = {
    Count: { endpoint: "camera-command", overMQTT: true, run: () => ({ runs: ++runs }) },
  };
  const receiver = new MQTTCommands({
    device: { execute: (message, transport) => executeCommand(commands, undefined, message, transport) },
    respond: respond ?? (async (answer) => answers.push(answer)),
  });
  const send = (text: string) => receiver.receive(ArrayBuffer.fromString(text));
  return { answers, send };
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
  const { send } = setUp(() => Promise.reject(new Error("offline")));
  await send('{"type":"Count"}');
});
