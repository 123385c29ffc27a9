import TCP from "embedded:io/socket/tcp";
import { getEnvironment } from "environment";
import { TLSSocket } from "modules/network/tls-socket";
import createClock from "system-clock";
import Timer from "timer";

/** One TLS session to a server that says nothing: what it takes at the peak of its handshake, and when it is idle. */
const port = Number(getEnvironment("PROBE_PORT"));
const socket = new TLSSocket({
  host: "localhost",
  address: "127.0.0.1",
  port,
  TCP: { io: TCP },
  secure: { roots: [getEnvironment("PROBE_ROOT") ?? ""], clock: createClock({ released: 0, httpsTime: () => [] }) },
  onWritable() {
    Timer.set(() => {
      trace(`${JSON.stringify({ session: { ...socket.memory, version: socket.version } })}\n`);
      socket.close();
    }, 100);
  },
  onError: (error) => trace(`${JSON.stringify({ session: { error: String(error) } })}\n`),
});
