import UDP from "embedded:io/socket/udp";
import Resolver from "embedded:network/dns/resolver/udp";
import { Clock, type ClockOptions } from "modules/network/clock";
import { SNTP, timeServers } from "modules/network/sntp";
import type { TimeHost, TimeSource } from "modules/network/time-source";
import { randomBytes } from "native/tls/crypto";
import Time from "time";

/** Who tells a chip the time: two servers by SNTP, and whom the camera knows by HTTPS. */
class ChipTime implements ClockOptions {
  readonly released: number;
  #host: TimeHost;

  constructor(host: TimeHost) {
    this.released = host.released;
    this.#host = host;
  }

  sources(prove: boolean): TimeSource[] {
    const options = { UDP: { io: UDP as never }, resolver: new Resolver({}), randomBytes };
    const told = timeServers.map((name) => new SNTP(name, options));
    const proven = this.#host.httpsTime();
    return prove ? [...proven, ...told] : [...told, ...proven];
  }

  setSystemTime(seconds: number): void {
    (Time as unknown as { set(seconds: number): void }).set(seconds);
  }
}

/** The chip's clock: it starts in 1970 and is set before the first TLS session. */
export default function createClock(host: TimeHost): Clock {
  return new Clock(new ChipTime(host));
}
