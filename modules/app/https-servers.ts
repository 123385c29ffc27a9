import { HTTPSTime } from "../network/https-time";
import type { TimeSource } from "../network/time-source";
import { type BoardHost, rootsFor } from "./board";

export interface HTTPSServersHost extends BoardHost {
  /** When the firmware was released, milliseconds since 1970. */
  readonly released: number;
  /** The broker that the session uses: `host` or `host:port`. */
  readonly endpoint: string | undefined;
}

/** An endpoint of AWS IoT Core: its region, and the partition's domain. */
const awsEndpoint = /\.iot\.([a-z0-9-]+)\.(amazonaws\.com(?:\.cn)?)$/;

/**
 * Who can prove what time it is: the broker's own host, which speaks HTTPS at port 443 (of AWS IoT Core the HTTPS door), and the region's
 * store. A camera that nobody has registered knows neither.
 */
export function httpsServers(host: HTTPSServersHost, port?: number): TimeSource[] {
  const { identities, board, released } = host;
  const identity = identities.inUse;
  if (!identity) return [];
  const { endpoint } = identity;
  const broker = nameOf(host.endpoint ?? (typeof endpoint === "string" ? endpoint : endpoint[0]));
  const roots = rootsFor(identity);
  const common = { port, roots, released, TCP: { io: board.TCP }, resolver: new board.Resolver({}) } as const;
  const servers = [new HTTPSTime({ ...common, name: "https", host: broker } as never)];
  const match = awsEndpoint.exec(broker);
  if (match)
    servers.push(new HTTPSTime({ ...common, name: "https-store", host: `s3.${match[1]}.${match[2]}` } as never));
  return servers;
}

/** Without the port. */
function nameOf(endpoint: string): string {
  return endpoint.split(":")[0];
}
