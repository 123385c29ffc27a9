import { fill, h } from "../dom.ts";
import { button } from "./button.ts";
import { notice } from "./notice.ts";

const interval = 150;
/** Frames are made this wide before they are searched: enough for a label, and quick on a phone. */
const frameWidth = 640;

/** BarcodeDetector of browsers that have one (Shape Detection API); the typings lack it. */
interface Detector {
  detect(source: CanvasImageSource): Promise<{ rawValue: string }[]>;
}
declare const BarcodeDetector:
  | { new (options: { formats: string[] }): Detector; getSupportedFormats(): Promise<string[]> }
  | undefined;

/** Looks for a QR code through the webcam until it finds one. */
export class QRReader {
  readonly element = h("div", { class: "stack tight" });
  #found: (text: string) => void;
  #signal: AbortSignal;
  #running?: AbortController;

  /** @param signal ends it, camera light included */
  constructor(found: (text: string) => void, signal: AbortSignal) {
    this.#found = found;
    this.#signal = signal;
    signal.addEventListener("abort", () => this.stop());
  }

  static get isPossible(): boolean {
    return Boolean(navigator.mediaDevices?.getUserMedia);
  }

  async start(): Promise<void> {
    this.stop();
    const running = new AbortController();
    this.#running = running;
    const video = h("video", { playsinline: true, muted: true, "aria-label": "What this device's camera sees" });
    video.muted = true;
    const cancel = button({ label: "Stop scanning", onPress: () => this.stop() });
    fill(
      this.element,
      h("div", { class: "finder" }, video),
      h("p", { class: "hint small soft" }, "Hold the label's QR code into the frame."),
      cancel,
    );
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
      const end = () => stream.getTracks().forEach((track) => void track.stop());
      if (running.signal.aborted || this.#signal.aborted) return end();
      running.signal.addEventListener("abort", end);
      video.srcObject = stream;
      await video.play();
      await this.#look(video, running.signal);
    } catch {
      if (running.signal.aborted) return;
      this.stop();
      const text = "Allow this page to use it in the browser's site settings, or type what the label says.";
      fill(this.element, notice({ kind: "warn", title: "This device's camera cannot be used", text }));
    }
  }

  stop(): void {
    this.#running?.abort();
    this.#running = undefined;
    fill(this.element);
  }

  async #look(video: HTMLVideoElement, signal: AbortSignal): Promise<void> {
    const decode = await makeDecoder();
    while (!signal.aborted) {
      const text = video.videoWidth ? await decode(video) : undefined;
      if (signal.aborted) return;
      if (text) {
        this.stop();
        return this.#found(text);
      }
      await new Promise((resolve) => setTimeout(resolve, interval));
    }
  }
}

type Decode = (video: HTMLVideoElement) => Promise<string | undefined>;

/** The browser's own detector, or npm qr's on frames of the video. */
async function makeDecoder(): Promise<Decode> {
  if (typeof BarcodeDetector !== "undefined" && (await BarcodeDetector.getSupportedFormats()).includes("qr_code")) {
    const detector = new BarcodeDetector({ formats: ["qr_code"] });
    return async (video) => (await detector.detect(video))[0]?.rawValue;
  }
  const { decodeQR } = await import("qr/decode.js");
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d", { willReadFrequently: true });
  return async (video) => {
    canvas.width = frameWidth;
    canvas.height = Math.round((frameWidth * video.videoHeight) / video.videoWidth);
    context?.drawImage(video, 0, 0, canvas.width, canvas.height);
    const frame = context?.getImageData(0, 0, canvas.width, canvas.height);
    try {
      return frame && decodeQR(frame);
    } catch {
      return undefined; // no code in this frame
    }
  };
}
