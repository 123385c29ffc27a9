import { parseEndpoint } from "../cloud/endpoint";
import { endpointLimit } from "../cloud/endpoint-choice";
import { CommandError } from "./command-error";
import { type Message, stringField } from "./commands";

/** The field `endpoint`: `host` or `host:port`, or a list of up to eight of them. @throws CommandError BadField */
export function endpointField(message: Message): string | string[] {
  const { endpoint } = message;
  if (!Array.isArray(endpoint)) return check(stringField(message, "endpoint", 256));
  if (!endpoint.length || endpoint.length > endpointLimit)
    throw new CommandError("BadField", `endpoint has one to ${endpointLimit} names`);
  return endpoint.map(check);
}

function check(endpoint: unknown): string {
  if (typeof endpoint !== "string") throw new CommandError("BadField", "endpoint is a name, or a list of names");
  try {
    parseEndpoint(endpoint);
    return endpoint;
  } catch (error) {
    throw new CommandError("BadField", (error as Error).message);
  }
}
