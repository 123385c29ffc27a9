/**
 * Loaded into the process of the cloud before it: its time of day is that of the week's clock, and the week's test can see what is published and make
 * things go wrong. Everything else is the cloud as it always is. WEEK_PORT is where the test listens for it.
 */
import { subscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { IotCore } from "../../sim/cloud/iot-core.ts";
import type { Fault } from "../../sim/cloud/s3/faults.ts";
import { S3Server } from "../../sim/cloud/s3/server.ts";

/** What the test asks for; each is answered with its id when it is done. */
export type WeekRequest =
  | { do: "settle" }
  | { do: "follow"; time: number }
  | { do: "fail"; faults: Fault[] }
  | { do: "heal" }
  | { do: "disconnect"; clientId: string }
  | { do: "publish"; topic: string; payload: string };

/** Milliseconds without work before the process counts as settled: some things wait for a timer of one. */
const quietTime = 4;
/** What is to be done in the next turn, by other threads, or when the kernel takes more. */
const isWork = (resource: string) => /Immediate|Req|WriteWrap/.test(resource);

let offset = 0;
const RealDate = Date;
class WeekDate extends RealDate {
  constructor(...values: []) {
    if (values.length) super(...values);
    else super(WeekDate.now());
  }

  static override now(): number {
    return RealDate.now() + offset;
  }
}
globalThis.Date = WeekDate as DateConstructor;
// What limits rates (iot-limits.ts) goes by this one.
const ticks = performance.now.bind(performance);
performance.now = () => ticks() + offset;

let s3: S3Server | undefined;
let iot: IotCore | undefined;
const listenS3 = S3Server.listen;
const listenIot = IotCore.listen;
S3Server.listen = async (...options) => {
  s3 = await listenS3.apply(S3Server, options);
  return s3;
};
IotCore.listen = async (...options) => {
  iot = await listenIot.apply(IotCore, options);
  iot.on("publish", ({ topic, payload }) => {
    if (topic.startsWith("device/")) socket.write(`${JSON.stringify({ topic, payload: payload.toString() })}\n`);
  });
  return iot;
};

// What is written is on its way at once: a kernel that waits for the other side's acknowledgement cannot be asked whether it is done.
subscribe("net.server.socket", (message) => (message as { socket: Socket }).socket.setNoDelay());

const socket = connect({ port: Number(process.env.WEEK_PORT), host: "127.0.0.1", noDelay: true });
const lines = createInterface({ input: socket });
lines.on("line", async (line) => {
  const { id, ...request } = JSON.parse(line);
  await carryOut(request as WeekRequest);
  socket.write(`${JSON.stringify({ id })}\n`);
});
// The first line is the time.
await once(lines, "line");
socket.unref();

async function carryOut(request: WeekRequest): Promise<void> {
  switch (request.do) {
    case "settle":
      for (let quiet = 0; quiet < quietTime; quiet = process.getActiveResourcesInfo().some(isWork) ? 0 : quiet + 1)
        await delay(1);
      break;
    case "follow":
      offset = request.time - RealDate.now();
      break;
    case "fail":
      s3?.faults.add(...request.faults);
      break;
    case "heal":
      s3?.faults.clear();
      break;
    case "disconnect":
      iot?.disconnect(request.clientId);
      break;
    case "publish":
      await iot?.publish(request.topic, request.payload);
  }
}
