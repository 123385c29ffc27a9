import type { CameraSettings } from "../camera/settings";
import type { Wishes } from "../cloud/shadow-message";
import { parseJSON } from "../json/parse-json";
import type { RecordStore } from "../storage/record-store";

/** What the owner can set, in the shadow. Names and values of the camera's part are those of modules/camera/settings. */
export interface Settings {
  /** Seconds between two scheduled pictures, 10 to 604,800; 0 for none. */
  captureInterval: number;
  /** Seconds between two telemetry reports, 30 to 86,400. */
  telemetryInterval: number;
  /** Seconds between two signs of life to the broker, 30 to 1200; 0: as the way there needs it. */
  keepAlive: number;
  /** Of pictures that are asked for without. */
  resolution: string;
  quality: string;
  brightness: number;
  contrast: number;
  saturation: number;
  exposureCompensation: number;
  whiteBalance: string;
  effect: string;
  rotation: number;
  sharpness: number;
}

export type SettingName = keyof Settings;
type Value = string | number;

export interface SettingError {
  setting: string;
  /** UnknownSetting, WrongType, OutOfRange, NotSupported (by this model of camera), StorageFailed. */
  code: string;
}

export interface SettingsHost {
  readonly records: Pick<RecordStore, "read" | "write">;
  /** Can this camera do that? While none has answered yet: can any? */
  readonly camera: { supports(settings: CameraSettings): boolean };
  /** Seconds. */
  readonly telemetryDefault: number;
  /** They are in force, and in storage. */
  settingsChanged(names: readonly string[]): void;
}

const record = "settings";
const none = '{"errors":[]}';
/** Of what the cloud is told; more bad wishes than that help nobody. */
const errorLimit = 8;
const errorsShape = Object.freeze({ bytes: 2048, depth: 3, values: 32, text: 512, name: 64 });

const defaults: Settings = {
  captureInterval: 0,
  telemetryInterval: 300,
  keepAlive: 0,
  resolution: "VGA",
  quality: "default",
  brightness: 0,
  contrast: 0,
  saturation: 0,
  exposureCompensation: 0,
  whiteBalance: "auto",
  effect: "none",
  rotation: 0,
  sharpness: 0,
};
const names = Object.keys(defaults) as SettingName[];
export const settingNames: readonly string[] = names;
/** The camera's own, that hold for all pictures. */
const controls: readonly SettingName[] = names.slice(5);

/**
 * The camera's settings. They lie in storage only and are read when they are needed, which is seldom; what is there and does not
 * fit (another camera was plugged in, another firmware wrote it) counts as the default.
 */
export class SettingsStore {
  #host: SettingsHost;
  /** What is wrong with the wishes of the last call, as JSON: the cloud repeats a wish as long as it is not fulfilled. */
  #errors = none;

  constructor(host: SettingsHost) {
    this.#host = host;
  }

  get<Name extends SettingName>(name: Name): Settings[Name] {
    const stored = this.stored();
    const value = stored[name];
    return (value === undefined || this.problem(name, value) ? this.standard(name) : value) as Settings[Name];
  }

  /** What the camera is set to, without what this model lacks. */
  get controls(): CameraSettings {
    const stored = this.stored();
    const chosen: Record<string, Value> = {};
    for (const name of controls) {
      const value = this.valid(name, stored);
      if (value !== undefined) chosen[name] = value;
    }
    return chosen as CameraSettings;
  }

  /** For the shadow: all settings, null for those that this camera lacks, and what is wrong with the wishes, if anything. */
  get report(): object {
    const stored = this.stored();
    const report: Record<string, unknown> = {};
    for (const name of names) report[name] = this.valid(name, stored) ?? null;
    report.errors = null;
    if (this.#errors !== none) Object.assign(report, parseJSON(ArrayBuffer.fromString(this.#errors), errorsShape));
    return report;
  }

  /**
   * Fulfils what can be fulfilled: it is written to storage first, in one piece, and then in force. A bad wish keeps neither the
   * others nor the setting's old value from being right.
   *
   * @returns true when there is something to report: a change, another error, or a wish that had been fulfilled already
   */
  fulfil({ values, unknown }: Wishes): boolean {
    const stored = this.stored();
    const errors: SettingError[] = [];
    const changed: string[] = [];
    let isFulfilled = false;
    for (const [setting, value] of Object.entries(values)) {
      // A wish that was taken back.
      if (value === null) continue;
      const code = this.problem(setting, value);
      if (code) errors.push({ setting, code });
      else if (this.valid(setting as SettingName, stored) === value) isFulfilled = true;
      else {
        stored[setting] = value as Value;
        changed.push(setting);
      }
    }
    if (changed.length && !this.keep(stored))
      for (const setting of changed.splice(0)) errors.push({ setting, code: "StorageFailed" });
    // After those of the camera's own settings: they may be somebody else's.
    for (const setting of unknown) errors.push({ setting, code: "UnknownSetting" });
    const known = this.#errors;
    this.#errors = JSON.stringify({ errors: errors.slice(0, errorLimit) });
    if (changed.length) this.#host.settingsChanged(changed);
    return isFulfilled || changed.length > 0 || this.#errors !== known;
  }

  private keep(settings: Record<string, Value>): boolean {
    try {
      this.#host.records.write(record, settings);
      return true;
    } catch {
      return false;
    }
  }

  private stored(): Record<string, Value | undefined> & Record<string, Value> {
    return this.#host.records.read(record) ?? {};
  }

  private standard(name: SettingName): Value {
    return name === "telemetryInterval" ? this.#host.telemetryDefault : defaults[name];
  }

  private valid(name: SettingName, stored: Record<string, Value | undefined>): Value | undefined {
    const value = stored[name];
    if (value !== undefined && !this.problem(name, value)) return value;
    const standard = this.standard(name);
    return this.problem(name, standard) ? undefined : standard;
  }

  /** Why that cannot be set, if it cannot. */
  private problem(name: string, value: unknown): string | undefined {
    if (!settingNames.includes(name)) return "UnknownSetting";
    const setting = name as SettingName;
    if (typeof value !== typeof defaults[setting]) return "WrongType";
    if (typeof value === "number" && !Number.isInteger(value)) return "OutOfRange";
    if (setting === "captureInterval") return value === 0 || isWithin(value, 10, 604_800) ? undefined : "OutOfRange";
    if (setting === "telemetryInterval") return isWithin(value, 30, 86_400) ? undefined : "OutOfRange";
    if (setting === "keepAlive") return value === 0 || isWithin(value, 30, 1200) ? undefined : "OutOfRange";
    return this.#host.camera.supports({ [setting]: value }) ? undefined : "NotSupported";
  }
}

function isWithin(value: unknown, minimum: number, maximum: number): boolean {
  return (value as number) >= minimum && (value as number) <= maximum;
}
