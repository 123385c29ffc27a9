import { lookup as lookUp } from "node:dns";
import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import type { Transport } from "./transport.ts";

/** `*.localhost` is this machine (RFC 6761), which browsers know, and not every resolver. */
const lookup: LookupFunction = (hostname, options, callback) => {
  if (hostname !== "localhost" && !hostname.endsWith(".localhost")) return lookUp(hostname, options, callback);
  const address = "127.0.0.1";
  if (options.all) callback(null, [{ address, family: isIP(address) }]);
  else callback(null, address, isIP(address));
};

/**
 * What the phone's library needs in Node to reach the local cloud by the names that browsers use.
 * @param rootCA PEM, for https and wss with the local authority's certificates
 */
export function nodeTransport(rootCA?: string): Transport {
  const options = { lookup, ca: rootCA, keepAlive: true };
  // "ca: undefined" would mean no authority at all to some, and Node's own to others.
  if (!rootCA) delete options.ca;
  return {
    requestHandler: { httpAgent: new HttpAgent(options), httpsAgent: new HttpsAgent(options) },
    webSocketOptions: rootCA ? { lookup, ca: rootCA } : { lookup },
  };
}
