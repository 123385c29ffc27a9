/**
 * Loaded into the process of the cloud before it: a message on a topic that ends with `/pace` says how what the broker sends lies in TLS records
 * from then on, nobody is too quick for the broker, and the bucket takes its time with each picture. Everything else is the cloud as it always is.
 */
import { IotCore } from "../../sim/cloud/iot-core.ts";
import { MqttGate } from "../../sim/cloud/mqtt-gate.ts";
import { S3Server } from "../../sim/cloud/s3/server.ts";

/**
 * - plain: as the broker writes
 * - joined: all that it writes within a moment in one piece, which TLS puts into records of 16 KB
 * - split: each piece in up to sixty-four records
 */
export type Pace = "plain" | "joined" | "split";

type Write = (this: MqttGate, chunk: Buffer, encoding: string, callback: (error?: Error | null) => void) => void;

/** Milliseconds in which what is written is gathered. */
const gatherTime = 150;
const pieces = 64;
/** Milliseconds in the middle of a picture. */
const pictureTime = 8000;

let pace: Pace = "plain";
const gathered = new WeakMap<MqttGate, Buffer[]>();
const write = MqttGate.prototype._write as Write;

function join(gate: MqttGate, chunk: Buffer): void {
  const waiting = gathered.get(gate);
  if (waiting) {
    waiting.push(chunk);
    return;
  }
  const chunks = [chunk];
  gathered.set(gate, chunks);
  setTimeout(() => {
    gathered.delete(gate);
    write.call(gate, Buffer.concat(chunks), "buffer", () => {});
  }, gatherTime);
}

function split(gate: MqttGate, chunk: Buffer, callback: (error?: Error | null) => void): void {
  const length = Math.max(Math.ceil(chunk.length / pieces), 7);
  for (let at = 0; at < chunk.length; at += length) {
    const isLast = at + length >= chunk.length;
    write.call(gate, chunk.subarray(at, at + length), "buffer", isLast ? callback : () => {});
  }
}

(MqttGate.prototype as { _write: Write })._write = function (chunk, encoding, callback) {
  // What was gathered comes first, whatever the pace is now.
  if (pace === "joined" || gathered.has(this)) {
    join(this, chunk);
    callback();
  } else if (pace === "split") split(this, chunk, callback);
  else write.call(this, chunk, encoding, callback);
};

const listen = IotCore.listen;
IotCore.listen = async (options) => {
  const unlimited = { publishesPerSecond: Number.MAX_SAFE_INTEGER };
  const iot = await listen.call(IotCore, { ...options, limits: { ...options.limits, ...unlimited } });
  iot.on("publish", ({ topic, payload }) => {
    if (topic.endsWith("/pace")) pace = payload.toString() as Pace;
  });
  return iot;
};

const listenS3 = S3Server.listen;
S3Server.listen = async (...options) => {
  const s3 = await listenS3.apply(S3Server, options);
  s3.faults.add({ times: Number.MAX_SAFE_INTEGER, afterBytes: 30_000, action: { stall: pictureTime } });
  return s3;
};
