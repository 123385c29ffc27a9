import UDP from "embedded:io/socket/udp";
import Resolver from "embedded:network/dns/resolver/udp";
import { Clock } from "modules/network/clock";
import { SNTP } from "modules/network/sntp";
import { randomBytes } from "native/tls/crypto";
import Time from "time";

/** The chip's clock: it starts in 1970 and is set by SNTP before the first TLS session. */
export default function createClock(): Clock {
  const source = new SNTP({ UDP: { io: UDP as never }, resolver: new Resolver({}), randomBytes });
  return new Clock({ source, setSystemTime: (seconds) => (Time as unknown as { set(s: number): void }).set(seconds) });
}
