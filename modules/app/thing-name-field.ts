import { CommandError } from "./command-error";
import { type Message, stringField } from "./commands";

/**
 * The field `thingName`. AWS IoT: letters, digits, `:`, `_` and `-`, at most 128 (CreateThing). It is the MQTT client id and part of topics.
 *
 * @throws CommandError BadField
 */
export function thingNameField(message: Message): string {
  const thingName = stringField(message, "thingName", 128);
  if (!/^[a-zA-Z0-9:_-]+$/.test(thingName)) throw new CommandError("BadField", "thingName has characters AWS refuses");
  return thingName;
}
