import { CommandError, describeError } from "../../../modules/app/command-error";
import { type Command, countField, executeCommand, type Message, stringField } from "../../../modules/app/commands";
import { equal, test, throws } from "../harness";

const commands: Record<string, Command<{ greeting: string }>> = {
  Echo: {
    endpoint: "camera-command",
    overMQTT: true,
    run: ({ greeting }, message) => ({ said: `${greeting} ${message.text}` }),
  },
  Register: { endpoint: "camera-cert", overMQTT: false, run: () => ({ done: true }) },
  Fail: {
    endpoint: "camera-command",
    overMQTT: true,
    run: () => Promise.reject(new CommandError("Busy", "not now")),
  },
  Throw: {
    endpoint: "camera-command",
    overMQTT: true,
    run: () => {
      throw new TypeError("odd");
    },
  },
};
/** Longer than what is said again of a name that is not known. */
const longName = "A".repeat(33);
commands[longName] = commands.Echo;
const target = { greeting: "Oh," };

const answer = async (message: Message, transport: "bluetooth" | "mqtt" = "bluetooth", endpoint?: "camera-command") =>
  JSON.stringify(await executeCommand(commands, target, message, transport, endpoint));

test("a command is answered with its type", async () => {
  equal(await answer({ type: "Echo", text: "hi" }), '{"type":"Echo","said":"Oh, hi"}');
});

test("a client token comes back", async () => {
  equal(
    await answer({ type: "Echo", text: "hi", clientToken: "t1" }),
    '{"type":"Echo","clientToken":"t1","said":"Oh, hi"}',
  );
});

test("errors are answers: rejected, thrown, unknown", async () => {
  equal(await answer({ type: "Fail" }), '{"type":"Fail","error":{"code":"Busy","message":"not now"}}');
  equal(await answer({ type: "Throw" }), '{"type":"Throw","error":{"code":"InternalError","message":"odd"}}');
  for (const type of ["Nothing", "__proto__", "toString", "", 7, null, undefined])
    equal((await answer({ type })).includes('"code":"UnknownCommand"'), true, String(type));
});

test("of a name that is not known 32 characters are said again, of a command's the whole name", async () => {
  const { type, error } = JSON.parse(await answer({ type: `${"x".repeat(31)}yz` }));
  equal(type, `${"x".repeat(31)}y`);
  equal(error.message.includes(`"${type}"`), true, error.message);
  equal(JSON.parse(await answer({ type: longName, text: "hi" })).type, longName);
  equal(JSON.parse(await answer({ type: longName, expires: 1 })).type, longName);
});

test("a token has at most 64 characters; one that is no text, or empty, is none", async () => {
  const token = async (clientToken: unknown) => JSON.parse(await answer({ type: "Echo", text: "hi", clientToken }));
  equal((await token("t".repeat(64))).clientToken, "t".repeat(64));
  const long = await token("t".repeat(65));
  equal([long.clientToken, long.error?.code], [undefined, "BadField"]);
  for (const none of ["", 7, null, {}]) equal(await token(none), { type: "Echo", said: "Oh, hi" });
});

test("a command on the wrong endpoint is unknown there", async () => {
  equal((await answer({ type: "Register" }, "bluetooth", "camera-command")).includes("UnknownCommand"), true);
});

test("identity commands are refused over MQTT", async () => {
  equal((await answer({ type: "Register" }, "mqtt")).includes("NotAllowed"), true);
});

test("fields are checked", () => {
  equal(stringField({ name: "x" }, "name", 1), "x");
  for (const name of [undefined, null, "", 5, {}, "xx"]) throws(() => stringField({ name }, "name", 1));
  equal(countField({}, "n", 9), 0);
  equal(countField({ n: 9 }, "n", 9), 9);
  for (const n of [-1, 10, 1.5, "1", Number.NaN, {}]) throws(() => countField({ n }, "n", 9));
});

test("a command that has expired is refused, and so is one of which that cannot be told", async () => {
  const at = async (expires: unknown, now: number) =>
    JSON.parse(
      JSON.stringify(await executeCommand(commands, target, { type: "Echo", expires }, "mqtt", undefined, now)),
    );
  const noon = 1_796_000_000_000;
  for (const [expires, now, code] of [
    [noon, noon - 1, undefined],
    [noon, noon, "Expired"],
    [noon, noon + 1, "Expired"],
    [0, noon, "Expired"],
    [-1, noon, "Expired"],
    [noon, 0, "ClockNotSet"],
    [undefined, 0, undefined],
    [null, 0, undefined],
    [undefined, noon, undefined],
    [`${noon}`, noon - 1, "BadField"],
    [{}, noon, "BadField"],
    [true, 0, "BadField"],
  ] as const)
    equal((await at(expires, now)).error?.code, code, `${expires} at ${now}`);
});

test("what would be refused anyway is refused for its own reason", async () => {
  equal((await answer({ type: "Nothing", expires: 1 })).includes("UnknownCommand"), true);
  equal((await answer({ type: "Register", expires: 1 }, "mqtt")).includes("NotAllowed"), true);
});

test("whatever is thrown is described, without asking it for words that it may not have", () => {
  equal(describeError(Object.assign(new Error("m"), { code: "C" })), { code: "C", message: "m" });
  equal(describeError(new TypeError("")), { code: "InternalError", message: "TypeError" });
  equal(describeError("text"), { code: "InternalError", message: "text" });
  for (const nothing of [undefined, null, 7, Object.create(null)])
    equal(describeError(nothing), { code: "InternalError", message: `thrown: ${typeof nothing}` });
});

test("who knows no such command is said: the endpoint, or else the way that it came", async () => {
  const message = async (...where: ["bluetooth" | "mqtt", "camera-command"?]) =>
    JSON.parse(await answer({ type: "Fly" }, ...where)).error.message;
  equal(await message("mqtt"), 'mqtt knows no command "Fly"');
  equal(await message("bluetooth", "camera-command"), 'camera-command knows no command "Fly"');
});

test("of an error's code 64 characters are told, of its words 200; of what is no error its kind", () => {
  const long = Object.assign(new Error("m".repeat(201)), { code: "c".repeat(65) });
  equal(describeError(long), { code: "c".repeat(64), message: "m".repeat(200) });
  equal(describeError(new TypeError("")), { code: "InternalError", message: "TypeError" });
  equal(describeError("t".repeat(201)), { code: "InternalError", message: "t".repeat(200) });
  equal(describeError({ code: "Busy" }), { code: "InternalError", message: "thrown: object" });
  equal(describeError(undefined).message, "thrown: undefined");
});

test("a command that expires is not carried out by a camera that does not know the time", async () => {
  for (const expires of [0, 1, 5, Number.MAX_SAFE_INTEGER])
    equal(JSON.parse(await answer({ type: "Echo", text: "hi", expires })).error.code, "ClockNotSet");
});
