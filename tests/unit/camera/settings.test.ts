import { applySettings, type CameraSettings, Control } from "../../../modules/camera/settings";
import { equal, test, throws } from "../harness";

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
