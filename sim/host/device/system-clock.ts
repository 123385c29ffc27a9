import UDP from "embedded:io/socket/udp";
import Resolver from "embedded:network/dns/resolver/udp";
import { getEnvironment } from "environment";
import { Clock, type ClockOptions } from "modules/network/clock";
import { SNTP } from "modules/network/sntp";
import type { TimeHost, TimeSource } from "modules/network/time-source";
import { randomBytes } from "native/tls/crypto";
import Time from "time";

/** A chip's clock on the desktop: it starts in 1970, and asks the servers that TIME_SERVERS names, and by HTTPS at TIME_HTTPS_PORT. */
class SimulatedTime implements ClockOptions {
  readonly released: number;
  #host: TimeHost;

  constructor(host: TimeHost) {
    this.released = host.released;
    this.#host = host;
  }

  sources(prove: boolean): TimeSource[] {
    const servers = getEnvironment("TIME_SERVERS") ?? "";
    const options = { UDP: { io: UDP as never }, resolver: new Resolver({}), randomBytes };
    const told = servers.split(",").map((name) => new SNTP(name, options));
    const proven = this.#host.httpsTime(Number(getEnvironment("TIME_HTTPS_PORT") ?? 443));
    return prove ? [...proven, ...told] : [...told, ...proven];
  }

  setSystemTime(seconds: number): void {
    (Time as unknown as { set(seconds: number): void }).set(seconds);
  }
}

/** The desktop's clock, whose owner keeps it right; or with TIME_SERVERS one that is as a chip's after power-on. */
export default function createClock(host: TimeHost): Clock {
  if (!getEnvironment("TIME_SERVERS")) return new Clock();
  const time = new SimulatedTime(host);
  time.setSystemTime(0);
  return new Clock(time);
}
