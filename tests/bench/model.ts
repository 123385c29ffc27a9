import { readFile } from "node:fs/promises";
import type { Section } from "./figures.ts";
import type { SPICost } from "./spi.ts";

/**
 * The way of a picture from the shutter to the store's answer, by arithmetic: what a real chip would need if nothing but the
 * SPI bus and the link took time. Both ways pay for the same capture, handshakes and answer.
 */
export interface Link {
  /** Bits a second. */
  rate: number;
  /** Milliseconds. */
  roundTrip: number;
}

const spiClock = 8e6;
/** Of a record: header, nonce and tag of AES-GCM (RFC 5288), for 2048 bytes of plaintext; and TCP/IP headers for each 1436-byte segment. */
const recordOverhead = (2048 + 29) / 2048;
const segmentOverhead = (1436 + 40) / 1436;
/** Data that may be on its way without an acknowledgement, bytes, as the chip is configured. */
export async function sendWindow(): Promise<number> {
  const defaults = await readFile(new URL("../../native/sdkconfig/sdkconfig.defaults", import.meta.url), "utf8");
  const found = /^CONFIG_LWIP_TCP_SND_BUF_DEFAULT=(\d+)/m.exec(defaults);
  if (!found) throw new Error("sdkconfig.defaults has no CONFIG_LWIP_TCP_SND_BUF_DEFAULT");
  return Number(found[1]);
}

/** TCP, TLS 1.2 (two), and the question whether the body may come (100-continue). */
const roundTripsBefore = 4;
const chunk = 2048;

/** Milliseconds that the link alone takes for `bytes` of the picture. */
const rateTime = (bytes: number, { rate }: Link) => (bytes * recordOverhead * segmentOverhead * 8 * 1000) / rate;

/** The same with acknowledgements: a window a round trip at most. */
const windowTime = (bytes: number, { roundTrip }: Link, window: number) =>
  (bytes * recordOverhead * roundTrip) / window;

export const spiTime = (busBytes: number) => (busBytes * 8 * 1000) / spiClock;

export interface Modelled {
  streaming: number;
  readThenSend: number;
  /** The slower of bus and link alone: no order of work is quicker. */
  floor: number;
}

/** From the end of the exposure to the store's answer, ms, handshakes included (made while nothing is in the way, before the first byte). */
export function model({ length, driver }: SPICost, link: Link, window: number): Modelled {
  const spi = spiTime(driver);
  const sending = Math.max(rateTime(length, link), windowTime(length, link, window));
  const before = roundTripsBefore * link.roundTrip;
  const answer = link.roundTrip;
  // While one chunk is on the link the next one comes from the camera: the slower of the two sets the pace, and of the quicker
  // one only the first (SPI) or the last (link) chunk shows.
  const oneChunk = Math.min(spiTime(chunk), rateTime(chunk, link));
  return {
    streaming: before + Math.max(spi, sending) + oneChunk + answer,
    readThenSend: before + spi + sending + answer,
    floor: before + Math.max(spi, rateTime(length, link)) + answer,
  };
}

export async function modelSection(costs: SPICost[]): Promise<Section> {
  const link = { rate: 2e6, roundTrip: 50 };
  const window = await sendWindow();
  const figures = costs.flatMap((cost) => {
    const size = `${cost.length.toLocaleString("en-US")} bytes`;
    const { streaming, readThenSend, floor } = model(cost, link, window);
    return [
      { name: `streamed, ${size}`, value: Math.round(streaming), unit: "ms" },
      { name: `read all, then send, ${size}`, value: Math.round(readThenSend), unit: "ms" },
      { name: `streamed, of the slower of bus and link, ${size}`, value: streaming / floor, unit: "x", budget: 1.05 },
    ];
  });
  return {
    title: "Capture to acknowledged, modelled: 8 MHz SPI, 2 Mbit/s link, 50 ms round trip",
    figures,
  };
}
