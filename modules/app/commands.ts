import { memberOf } from "../json/member-of";
import { CommandError, describeError } from "./command-error";

/** Characters of a token, as AWS has it for its own. */
export const tokenLimit = 64;
/** Of an answer that says again what it did not understand. */
const quoteLimit = 32;

/** A message of DESIGN.md section 4: `type` names the command, the rest are its fields. */
export interface Message {
  type?: unknown;
  /** Over MQTT: repeated in the answer, so that the sender can tell answers apart. */
  clientToken?: unknown;
  /** When the command is not to be carried out any more, milliseconds since 1970. */
  expires?: unknown;
  [field: string]: unknown;
}

export type Transport = "bluetooth" | "mqtt";

/** The Bluetooth endpoint that a command belongs to (its GATT characteristic). */
export type Endpoint = "camera-cert" | "camera-command" | "camera-upload" | "camera-event";

export const endpoints: readonly Endpoint[] = ["camera-cert", "camera-command", "camera-upload", "camera-event"];

/** A command that `Target` can carry out. */
export interface Command<Target> {
  endpoint: Endpoint;
  /** Commands that hand out or replace the identity are taken from somebody in the room only. */
  overMQTT: boolean;
  /** It changes something: a repetition after a restart is not carried out. Of interest over MQTT only. */
  isLasting?: boolean;
  run(target: Target, message: Message): object | Promise<object>;
}

/**
 * A command that came too late is refused; so is one of which that cannot be told.
 *
 * @param now milliseconds since 1970, 0 while the clock is not set
 * @throws CommandError BadField, ClockNotSet, Expired
 */
function checkExpiry({ expires = null }: Message, now: number): void {
  if (expires === null) return;
  if (typeof expires !== "number") throw new CommandError("BadField", "expires is in milliseconds since 1970");
  if (!now) throw new CommandError("ClockNotSet", "the camera does not know the time, and the command expires");
  if (now >= expires) throw new CommandError("Expired", `the command came ${now - expires} ms after it expired`);
}

/**
 * One command set for both transports. Every message gets exactly one answer, `{type, ...}` or `{type, error}`; nothing
 * is thrown, because an answer is awaited in an I/O callback.
 *
 * @param now milliseconds since 1970, 0 while the clock is not set
 */
export async function executeCommand<Target>(
  commands: Record<string, Command<Target>>,
  target: Target,
  message: Message,
  transport: Transport,
  endpoint?: Endpoint,
  now = 0,
): Promise<object> {
  const type = typeof message.type === "string" ? message.type : "";
  const command = memberOf(commands, type);
  const told = command ? type : type.slice(0, quoteLimit);
  let token: { clientToken?: string } = {};
  try {
    if (typeof message.clientToken === "string" && message.clientToken)
      token = { clientToken: stringField(message, "clientToken", tokenLimit) };
    if (!command || (endpoint && command.endpoint !== endpoint))
      throw new CommandError("UnknownCommand", `${endpoint ?? transport} knows no command "${told}"`);
    if (transport === "mqtt" && !command.overMQTT)
      throw new CommandError("NotAllowed", `${type} is taken over Bluetooth only`);
    checkExpiry(message, now);
    const answer = await command.run(target, message);
    return { type, ...token, ...answer };
  } catch (error) {
    return { type: told, ...token, error: describeError(error) };
  }
}

/** The field as a string of 1 to `limit` characters. @throws CommandError BadField */
export function stringField(message: Message, name: string, limit: number): string {
  const value = message[name];
  if (typeof value !== "string" || !value.length) throw new CommandError("BadField", `${name} is missing`);
  if (value.length > limit) throw new CommandError("BadField", `${name} is longer than ${limit} characters`);
  return value;
}

export function optionalString(message: Message, name: string, limit: number): string | undefined {
  return message[name] === undefined || message[name] === null ? undefined : stringField(message, name, limit);
}

/** The field as a whole number from 0 to `limit`, 0 when it is absent. @throws CommandError BadField */
export function countField(message: Message, name: string, limit: number): number {
  const value = message[name] ?? 0;
  if (typeof value !== "number" || !(value >= 0 && value <= limit) || value % 1 !== 0)
    throw new CommandError("BadField", `${name} is a whole number from 0 to ${limit}`);
  return value;
}
