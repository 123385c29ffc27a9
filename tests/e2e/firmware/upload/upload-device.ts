/**
 * A device that uploads one synthetic frame with the firmware's own modules, over real TLS, within the chip's memory: told what to do by the
 * variable UPLOAD, it traces progress, retries, the result, and what the upload took of the machine.
 */
import TCP from "embedded:io/socket/tcp";
import Resolver from "embedded:network/dns/resolver/udp";
import { getEnvironment } from "environment";
import { collectGarbage, resetPeaks, statistics } from "statistics";
import Timer from "timer";
import { Clock } from "../../../../modules/network/clock";
import { TLSSocket } from "../../../../modules/network/tls-socket";
import type { Connection } from "../../../../modules/upload/connection";
import { LookedUpConnection, type SocketOptions } from "../../../../modules/upload/connector";
import { Upload } from "../../../../modules/upload/uploader";
import { Digest } from "../../../../native/tls/crypto";
import { SyntheticFrame } from "../../../unit/upload/synthetic-frame";
import type { UploadTask } from "../../host/upload-task";

function report(event: string, fields: object): void {
  trace(`${JSON.stringify({ event, ...fields })}\n`);
}

const {
  roots,
  byteLength,
  rewindable,
  endsAfter,
  clockOffset = 0,
  closeAfter,
  sample,
  ...task
}: UploadTask = JSON.parse(getEnvironment("UPLOAD") as string);
const clock = new Clock();
clock.set(Date.now() + clockOffset);

const live = { slots: 0, chunkBytes: 0 };
const sampler =
  sample &&
  Timer.repeat(() => {
    collectGarbage();
    const now = statistics();
    live.slots = Math.max(live.slots, now.slots);
    live.chunkBytes = Math.max(live.chunkBytes, now.chunkBytes);
  }, sample);

let reported = 0;
let socket: TLSSocket | undefined;
let tls: TLSSocket["memory"];
collectGarbage();
const before = statistics();
resetPeaks();
const opener = {
  open(options: SocketOptions): Connection {
    socket = new TLSSocket({ ...options, TCP: { io: TCP }, secure: { roots, clock } } as never);
    return socket as Connection;
  },
};
const upload = new Upload({
  ...task,
  frame: new SyntheticFrame(byteLength, { rewindable, endsAfter }),
  clock,
  Digest,
  connect: (host, port, handlers) => new LookedUpConnection(new Resolver({}), opener, host, port, handlers),
  onProgress(sent, total) {
    if (sent - reported < total / 8 && sent >= reported && sent < total) return;
    reported = sent;
    tls = socket?.memory;
    report("progress", { sent, total });
  },
  onRetry: (attempt, code, delay) => report("retry", { attempt, code, delay }),
});
if (closeAfter !== undefined) Timer.set(() => upload.close(), closeAfter);

const result = await upload.result;
const { slotsPeak, chunkBytesPeak, stackPeak, compute } = statistics();
Timer.clear(sampler as never);
report("result", {
  ...result,
  memory: {
    before: { slots: before.slots, chunkBytes: before.chunkBytes },
    slotsPeak,
    chunkBytesPeak,
    stackPeak,
    live,
    tls,
  },
  compute,
});
