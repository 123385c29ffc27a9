/** What a test asks of a device that uploads (tests/e2e/firmware/upload). Waits are in ms, sizes in bytes. */
export interface UploadTask {
  url: string;
  headers?: readonly (readonly [name: string, value: string])[];
  framing?: "length" | "chunked";
  expectContinue?: boolean;
  limits?: { connect?: number; continue?: number; stall?: number; answer?: number; drain?: number };
  backoff?: { attempts?: number; base?: number; limit?: number };
  bufferLength?: number;
  /** PEM. */
  roots: string[];
  /** Of the frame. */
  byteLength: number;
  rewindable?: boolean;
  /** The frame has no more after so many bytes, whatever it promised. */
  endsAfter?: number;
  /** By how much the device's clock is wrong. */
  clockOffset?: number;
  /** Close the upload after so long. */
  closeAfter?: number;
  /** Collect garbage that often, and keep the largest live figures. */
  sample?: number;
}
