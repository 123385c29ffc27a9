import { type SettingError, SettingsStore, settingNames } from "../../../modules/app/settings";
import type { CameraSettings } from "../../../modules/camera/settings";
import { StillCamera } from "../../../modules/camera/still-camera";
import type { Wishes } from "../../../modules/cloud/shadow-message";
import { assert, equal, test } from "../harness";

interface Report extends Record<string, unknown> {
  errors: SettingError[] | null;
}

class Bench {
  stored: Record<string, unknown> | undefined;
  full = false;
  readonly changes: string[][] = [];
  readonly camera: { supports(settings: CameraSettings): boolean };
  readonly telemetryDefault = 120;
  readonly settings: SettingsStore;

  constructor(camera: { supports(settings: CameraSettings): boolean } = new StillCamera()) {
    this.camera = camera;
    this.settings = new SettingsStore(this);
  }

  get records(): this {
    return this;
  }

  read<T extends object>(key: string): T | undefined {
    equal(key, "settings");
    return this.stored && JSON.parse(JSON.stringify(this.stored));
  }

  write(_key: string, record: object): void {
    if (this.full) throw new Error("storage is full");
    this.stored = JSON.parse(JSON.stringify(record));
  }

  settingsChanged(names: readonly string[]): void {
    this.changes.push([...names]);
  }

  get report(): Report {
    return this.settings.report as Report;
  }

  errors(wishes: Record<string, unknown>): string {
    this.settings.fulfil(wish(wishes));
    return (this.report.errors ?? []).map(({ setting, code }) => `${setting} ${code}`).join();
  }
}

/** As it is read of the shadow: names that are no setting's apart. */
function wish(wishes: Record<string, unknown>): Wishes {
  const values: Record<string, unknown> = {};
  const unknown: string[] = [];
  for (const [name, value] of Object.entries(wishes))
    if (settingNames.includes(name)) values[name] = value;
    else unknown.push(name);
  return { values, unknown };
}

test("without any wish: the defaults, all of them reported", () => {
  const { report, settings } = new Bench();
  equal(report, {
    captureInterval: 0,
    telemetryInterval: 120,
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
    errors: null,
  });
  equal(settings.get("telemetryInterval"), 120);
});

test("wishes are kept, in force, and told of by name", () => {
  const bench = new Bench();
  equal(
    bench.settings.fulfil(wish({ captureInterval: 60, brightness: -4, whiteBalance: "cloudy", rotation: 180 })),
    true,
  );
  equal(bench.changes, [["captureInterval", "brightness", "whiteBalance", "rotation"]]);
  equal(bench.stored, { captureInterval: 60, brightness: -4, whiteBalance: "cloudy", rotation: 180 });
  equal(bench.settings.get("captureInterval"), 60);
  equal(bench.settings.controls.brightness, -4);
  equal(bench.settings.controls.rotation, 180);
  equal(bench.report.whiteBalance, "cloudy");
  const again = new SettingsStore(bench);
  equal(again.get("captureInterval"), 60);
});

test("a wish that is fulfilled already is reported again, but nothing changes", () => {
  const bench = new Bench();
  bench.settings.fulfil(wish({ brightness: 2 }));
  equal(bench.settings.fulfil(wish({ brightness: 2 })), true);
  equal(bench.changes.length, 1);
});

test("the least and the most that a setting takes", () => {
  const bench = new Bench();
  for (const [name, ...values] of [
    ["captureInterval", 10, 604_800, 0],
    ["telemetryInterval", 30, 86_400],
    ["keepAlive", 30, 1200, 0],
  ] as const)
    for (const value of values) {
      equal(bench.errors({ [name]: value }), "", `${name} ${value}`);
      equal(bench.settings.get(name), value);
    }
});

test("what does not fit is named, and everything else is fulfilled", () => {
  const bench = new Bench();
  equal(bench.errors({ brightness: 5, contrast: 1, quality: "best" }), "brightness NotSupported,quality NotSupported");
  equal(bench.stored, { contrast: 1 });
  equal(bench.report.brightness, 0);
  const cases: [string, unknown, string][] = [
    ["captureInterval", 9, "OutOfRange"],
    ["captureInterval", -1, "OutOfRange"],
    ["captureInterval", 604_801, "OutOfRange"],
    ["captureInterval", 10.5, "OutOfRange"],
    ["captureInterval", "60", "WrongType"],
    ["captureInterval", true, "WrongType"],
    ["captureInterval", undefined, "WrongType"],
    ["captureInterval", [60], "WrongType"],
    ["telemetryInterval", 29, "OutOfRange"],
    ["telemetryInterval", 86_401, "OutOfRange"],
    ["keepAlive", 29, "OutOfRange"],
    ["keepAlive", 1201, "OutOfRange"],
    ["keepAlive", -1, "OutOfRange"],
    ["keepAlive", "auto", "WrongType"],
    ["brightness", true, "WrongType"],
    ["brightness", 0.5, "OutOfRange"],
    ["rotation", 90, "NotSupported"],
    ["effect", "sparkle", "NotSupported"],
    ["effect", "toString", "NotSupported"],
    ["resolution", "8K", "NotSupported"],
    ["resolution", "vga", "NotSupported"],
    ["zoom", 2, "UnknownSetting"],
    ["toString", "x", "UnknownSetting"],
    ["imageType", "yuv422", "UnknownSetting"],
  ];
  for (const [name, value, code] of cases) equal(bench.errors({ [name]: value }), `${name} ${code}`);
  equal(bench.stored, { contrast: 1 });
  equal(bench.changes, [["contrast"]]);
});

test("the same errors again are no news; others are, and none are", () => {
  const { settings } = new Bench();
  equal(settings.fulfil(wish({ zoom: 1 })), true);
  equal(settings.fulfil(wish({ zoom: 1 })), false);
  equal(settings.fulfil(wish({ zoom: 2 })), false);
  equal(settings.fulfil(wish({ pan: 1 })), true);
  equal(settings.fulfil(wish({})), true);
  equal(settings.fulfil(wish({})), false);
});

test("not more than eight errors", () => {
  const bench = new Bench();
  const wishes: Record<string, number> = {};
  for (let i = 0; i < 30; i += 1) wishes[`k${i}`] = i;
  bench.settings.fulfil(wish(wishes));
  equal(bench.report.errors?.length, 8);
});

test("names of others never crowd out what is wrong with the camera's own", () => {
  const bench = new Bench();
  const wishes: Record<string, unknown> = {};
  for (let i = 0; i < 8; i += 1) wishes[`other${i}`] = i;
  const told = bench.errors({ ...wishes, brightness: 99 });
  equal(told.startsWith("brightness NotSupported,other0 UnknownSetting,"), true, told);
  equal(bench.report.errors?.length, 8);
});

test("null takes a wish back; the setting stays", () => {
  const bench = new Bench();
  bench.settings.fulfil(wish({ brightness: 2 }));
  equal(bench.settings.fulfil(wish({ brightness: null })), false);
  equal(bench.report.brightness, 2);
});

test("what this camera lacks is reported as lacking", () => {
  const whole = new StillCamera();
  const lacking = { supports: (wish: CameraSettings) => wish.sharpness === undefined && whole.supports(wish) };
  const bench = new Bench(lacking);
  equal(bench.report.sharpness, null);
  equal("sharpness" in bench.settings.controls, false);
  equal(bench.errors({ sharpness: 3 }), "sharpness NotSupported");
});

test("another camera, another firmware, worn storage: what does not fit counts as the default", () => {
  const bench = new Bench();
  bench.stored = {
    resolution: "16K",
    brightness: "high",
    captureInterval: 3,
    telemetryInterval: null,
    old: 1,
    effect: "sepia",
  };
  equal(bench.settings.get("resolution"), "VGA");
  equal(bench.settings.get("captureInterval"), 0);
  equal(bench.settings.get("telemetryInterval"), 120);
  equal(bench.report.brightness, 0);
  equal(bench.report.effect, "sepia");
  assert(!("old" in bench.report), "unknown names are not reported");
});

test("storage that is full: nothing is in force, and it is said", () => {
  const bench = new Bench();
  bench.full = true;
  equal(bench.errors({ brightness: 1, zoom: 1 }), "brightness StorageFailed,zoom UnknownSetting");
  equal(bench.changes, []);
  equal(bench.report.brightness, 0);
  bench.full = false;
  equal(bench.errors({ brightness: 1 }), "");
  equal(bench.report.brightness, 1);
});

test("keep-alive: 30 to 1200 s, or 0 for what the network needs; it is none of the camera's controls", () => {
  const bench = new Bench();
  for (const keepAlive of [30, 1200, 0]) {
    equal(bench.errors({ keepAlive }), "");
    equal(bench.settings.get("keepAlive"), keepAlive);
  }
  bench.errors({ keepAlive: 60 });
  assert(!("keepAlive" in bench.settings.controls), "a control");
});
