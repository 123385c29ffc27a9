import { memberOf } from "../json/member-of";

/** Names for the sizes of an Arducam Mega, in the order of `enum mega_resolution` (native/arducam/mega.h). */
export const resolutions = [
  "96x96",
  "128x128",
  "QQVGA",
  "QVGA",
  "320x320",
  "VGA",
  "SVGA",
  "XGA",
  "HD",
  "SXGA",
  "UXGA",
  "FHD",
  "QXGA",
  "5MP",
] as const;
export type Resolution = (typeof resolutions)[number];

export type Quality = "high" | "default" | "low";
export type WhiteBalance = "auto" | "sunny" | "office" | "cloudy" | "home";
export type Effect = "none" | "cool" | "warm" | "monochrome" | "sepia" | "negative" | "green" | "yellow";
export type Focus = "single" | "continuous" | "pause" | "off";
export type ImageType = "jpeg" | "rgb565be" | "yuv422";

/** What a camera can be asked for. Which of them a model has is known after its start. */
export interface CameraSettings {
  resolution?: string;
  quality?: Quality;
  imageType?: ImageType;
  /** -4 to 4 */
  brightness?: number;
  /** -3 to 3 */
  contrast?: number;
  /** -3 to 3 */
  saturation?: number;
  /** Exposure value, -3 to 3 */
  exposureCompensation?: number;
  whiteBalance?: WhiteBalance;
  effect?: Effect;
  /** 0 automatic, 1 to 8; legacy 3MP cameras */
  sharpness?: number;
  /** Degrees */
  rotation?: 0 | 180;
  /** Keep the exposure as it is; cameras from id 0x85 on */
  freezeExposure?: boolean;
  /** Keep the white balance as it is; cameras from id 0x85 on */
  freezeWhiteBalance?: boolean;
  /** Manual values are best effort: on real cameras they were seen to stick (native/arducam/README.md). */
  exposure?: "auto" | number;
  gain?: "auto" | number;
  autoWhiteBalance?: boolean;
  /** Auto focus, or the position of the lens, 0 to 1023; id 0x81 */
  focus?: Focus | number;
  /** No pictures in low power. */
  lowPower?: boolean;
}

/** `enum mega_control`. */
export const Control = {
  lowPower: 0,
  format: 1,
  resolution: 2,
  quality: 3,
  brightness: 4,
  contrast: 5,
  saturation: 6,
  exposureCompensation: 7,
  whiteBalance: 8,
  effect: 9,
  sharpness: 10,
  rotation: 11,
  freezeExposure: 12,
  freezeWhiteBalance: 13,
  autoExposure: 14,
  exposure: 15,
  autoGain: 16,
  gain: 17,
  autoWhiteBalance: 18,
  lens: 19,
  focus: 20,
} as const;

const names: Record<string, Record<string, number>> = {
  quality: { high: 0, default: 1, low: 2 },
  imageType: { jpeg: 1, rgb565be: 2, yuv422: 3 },
  whiteBalance: { auto: 0, sunny: 1, office: 2, cloudy: 3, home: 4 },
  effect: { none: 0, cool: 1, warm: 2, monochrome: 3, sepia: 4, negative: 5, green: 6, yellow: 9 },
  focus: { single: 1, continuous: 2, pause: 3, off: 4 },
};

/** One write to the driver: which control and which value. */
type Write = [control: number, value: number];

function number(name: string, value: unknown): number {
  if (typeof value === "boolean") return value ? 1 : 0;
  if (typeof value === "number" && Number.isInteger(value)) return value;
  throw new RangeError(`${name}: ${value}`);
}

function named(name: string, value: unknown): number {
  const code = typeof value === "string" ? memberOf(names[name], value) : undefined;
  if (code !== undefined) return code;
  throw new RangeError(`${name}: ${value}`);
}

function automatic(name: string, value: unknown, loop: number, control: number): Write[] {
  if (value === "auto") return [[loop, 1]];
  return [
    [loop, 0],
    [control, number(name, value)],
  ];
}

function translateOne(name: string, value: unknown): Write[] {
  switch (name) {
    case "resolution":
      return [[Control.resolution, resolutions.indexOf(value as Resolution)]];
    case "imageType":
      return [[Control.format, named(name, value)]];
    case "quality":
    case "whiteBalance":
    case "effect":
      return [[Control[name], named(name, value)]];
    case "exposure":
      return automatic(name, value, Control.autoExposure, Control.exposure);
    case "gain":
      return automatic(name, value, Control.autoGain, Control.gain);
    case "focus":
      return [typeof value === "number" ? [Control.lens, value] : [Control.focus, named(name, value)]];
    default:
      if (memberOf<number>(Control, name) === undefined) throw new RangeError(`no such setting: ${name}`);
      return [[Control[name as keyof typeof Control], number(name, value)]];
  }
}

/**
 * Calls `write` for each control of the settings; first with `check` for all of them, so that a bad one changes nothing.
 * @throws RangeError for a name or a value that no camera has, or that `check` refuses
 */
export function applySettings(
  settings: CameraSettings,
  check: (control: number, value: number) => boolean,
  write: (control: number, value: number) => void,
): void {
  const writes: Write[] = [];
  for (const [name, value] of Object.entries(settings)) {
    if (value === undefined) continue;
    for (const [control, code] of translateOne(name, value)) {
      if (!check(control, code)) throw new RangeError(`this camera has no ${name} ${value}`);
      writes.push([control, code]);
    }
  }
  for (const [control, code] of writes) write(control, code);
}
