import { ArducamMega } from "../../../modules/camera/arducam-mega";
import { applySettings, type CameraSettings, Control, resolutions } from "../../../modules/camera/settings";
import Arducam from "../../../native/arducam/arducam";
import { after, assert, equal, test, throws } from "../harness";

function writesOf(
  settings: CameraSettings,
  supported: (control: number, value: number) => boolean = () => true,
): string {
  const writes: string[] = [];
  applySettings(settings, supported, (control, value) => writes.push(`${control}=${value}`));
  return writes.join(" ");
}

test("names and numbers become controls", () => {
  equal(writesOf({ resolution: "5MP", quality: "low" }), `${Control.resolution}=13 ${Control.quality}=2`);
  equal(writesOf({ brightness: -4, rotation: 180 }), `${Control.brightness}=-4 ${Control.rotation}=180`);
  equal(writesOf({ whiteBalance: "home", effect: "yellow" }), `${Control.whiteBalance}=4 ${Control.effect}=9`);
  equal(writesOf({ imageType: "rgb565be", lowPower: false }), `${Control.format}=2 ${Control.lowPower}=0`);
  equal(writesOf({ resolution: undefined }), "");
});

test("automatic and manual exposure and gain", () => {
  equal(writesOf({ exposure: "auto" }), `${Control.autoExposure}=1`);
  equal(writesOf({ exposure: 120 }), `${Control.autoExposure}=0 ${Control.exposure}=120`);
  equal(writesOf({ gain: 5 }), `${Control.autoGain}=0 ${Control.gain}=5`);
  equal(writesOf({ focus: "single" }), `${Control.focus}=1`);
  equal(writesOf({ focus: 300 }), `${Control.lens}=300`);
});

test("what no camera has is a RangeError", () => {
  const wrong: object[] = [
    { quality: "best" },
    { whiteBalance: 3 },
    { brightness: "high" },
    { brightness: 1.5 },
    { effect: "toString" },
    { colour: 1 },
    { toString: 1 },
  ];
  for (const settings of wrong) throws(() => writesOf(settings as CameraSettings), RangeError);
});

test("one bad setting and none is written", () => {
  const written: number[] = [];
  throws(
    () =>
      applySettings(
        { brightness: 1, sharpness: 3 },
        (control) => control !== Control.sharpness,
        (control) => written.push(control),
      ),
    RangeError,
  );
  equal(written.length, 0);
});

/** What any model takes, as native/arducam/mega.h says. Both numbers are taken, and none beside them. */
const ranges: Record<string, [least: number, most: number]> = {
  brightness: [-4, 4],
  contrast: [-3, 3],
  saturation: [-3, 3],
  exposureCompensation: [-3, 3],
  sharpness: [0, 8],
  exposure: [1, 65_535],
  gain: [0, 65_535],
  focus: [0, 1023],
};

/** Before the start a camera takes what any model does. */
function anyCamera(): ArducamMega {
  const camera = new ArducamMega();
  after(() => camera.close());
  return camera;
}

test("numbers are taken from the least to the most that any model has", () => {
  const camera = anyCamera();
  for (const [name, [least, most]] of Object.entries(ranges)) {
    for (const value of [least, most]) assert(camera.supports({ [name]: value }), `${name} ${value}`);
    for (const value of [least - 1, most + 1]) assert(!camera.supports({ [name]: value }), `${name} ${value}`);
  }
  for (const name of ["lowPower", "freezeExposure", "freezeWhiteBalance", "autoWhiteBalance"]) {
    for (const value of [true, false]) equal(writesOf({ [name]: value }).endsWith(value ? "=1" : "=0"), true, name);
    assert(camera.supports({ [name]: true }), name);
    assert(!camera.supports({ [name]: 2 }), `${name} 2`);
  }
  for (const rotation of [0, 180] as const) assert(camera.supports({ rotation }), `${rotation}`);
  assert(!camera.supports({ rotation: 90 } as object), "90");
});

const named = {
  quality: ["high", "default", "low"],
  imageType: ["jpeg", "rgb565be", "yuv422"],
  whiteBalance: ["auto", "sunny", "office", "cloudy", "home"],
  effect: ["none", "cool", "warm", "monochrome", "sepia", "negative", "green", "yellow"],
  focus: ["single", "continuous", "pause", "off"],
  resolution: resolutions,
};

test("each name is a value of its own, and the driver takes it", () => {
  const camera = anyCamera();
  for (const [setting, names] of Object.entries(named)) {
    const values = new Set(names.map((name) => writesOf({ [setting]: name })));
    equal(values.size, names.length, setting);
    for (const name of names) assert(camera.supports({ [setting]: name }), `${setting} ${name}`);
    for (const name of ["", "auto ", "Default"]) assert(!camera.supports({ [setting]: name }), `${setting} ${name}`);
  }
  for (const name of ["exposure", "gain"]) {
    assert(camera.supports({ [name]: "auto" }), name);
    assert(!camera.supports({ [name]: "manual" }), name);
  }
});

test("each setting has a control of its own, and the driver has no others", () => {
  const controls = Object.values(Control);
  equal(new Set(controls).size, controls.length);
  const driver = new Arducam();
  after(() => driver.close());
  for (const control of controls) assert(driver.supports(control, 1) || control === Control.rotation, `${control}`);
  equal(driver.supports(controls.length, 1), false);
});

test("the sizes have the pixels that their names stand for", () => {
  const pixels: Record<string, string> = {
    QQVGA: "160x120",
    QVGA: "320x240",
    VGA: "640x480",
    SVGA: "800x600",
    XGA: "1024x768",
    HD: "1280x720",
    SXGA: "1280x1024",
    UXGA: "1600x1200",
    FHD: "1920x1080",
    QXGA: "2048x1536",
    "5MP": "2592x1944",
  };
  const camera = anyCamera();
  equal(camera.resolutions.length, 14);
  for (const resolution of camera.resolutions) {
    camera.configure({ resolution });
    equal(camera.resolution, resolution);
    equal(`${camera.width}x${camera.height}`, pixels[resolution] ?? resolution);
  }
  for (const imageType of named.imageType) {
    camera.configure({ imageType } as CameraSettings);
    equal(camera.imageType, imageType);
  }
});
