import type { FoundCamera } from "./gatt.ts";

/**
 * What a page and its server say to each other about the simulator's radio: one JSON text message each, values in base64. Every
 * request has an id and gets one answer; requests of one link are carried out in order.
 */
export type RadioRequest = { id: number } & RadioAction;

export type RadioAction =
  | { action: "scan"; timeout: number; name?: string }
  | { action: "connect"; camera: string; timeout: number }
  | { action: "write"; link: number; endpoint: string; value: string }
  | { action: "read"; link: number; endpoint: string }
  | { action: "subscribe"; link: number; endpoint: string }
  | { action: "disconnect"; link: number }
  /** Ends a scan or a connect that is under way; its answer is PhoneError Cancelled. */
  | { action: "cancel"; request: number };

export type RadioAnswer = { id: number; result: unknown } | { id: number; error: { code: string; message: string } };

/** What `connect` gives. */
export interface RadioLinkDescription {
  link: number;
  endpoints: string[];
  maximumWrite: number;
}

export type RadioEvent =
  | { event: "found"; id: number; camera: FoundCamera }
  | { event: "value"; link: number; endpoint: string; value: string }
  | { event: "closed"; link: number };

/** Longest message either way: a 512-byte value in base64 and what is around it. */
export const longestMessage = 4096;
