/**
 * Loaded into the process of the cloud before it: a message with the word "poison" in it is delivered, and what its receiver acknowledges after
 * that is not heard. Everything else is the cloud as it always is.
 */
import { MqttGate } from "../../sim/cloud/mqtt-gate.ts";

type Write = (this: MqttGate, chunk: Buffer, encoding: string, callback: (error?: Error | null) => void) => void;

const PUBACK = 4;

const write = MqttGate.prototype._write as Write;

/** The gate passes whole packets. */
function deaf(this: MqttGate, packet: Buffer | null): boolean {
  return packet && packet[0] >> 4 === PUBACK ? true : MqttGate.prototype.push.call(this, packet);
}

(MqttGate.prototype as { _write: Write })._write = function (chunk, encoding, callback) {
  if (chunk.includes("poison")) this.push = deaf;
  write.call(this, chunk, encoding, callback);
};
