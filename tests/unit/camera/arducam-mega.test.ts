/** What the driver's face tells and keeps, and what the options do. JPEGs and failures: jpeg.test.ts. */
import { ArducamMega, type ArducamMegaOptions } from "../../../modules/camera/arducam-mega";
import { StillCamera } from "../../../modules/camera/still-camera";
import Arducam from "../../../native/arducam/arducam";
import { after, assert, equal, rejects, sleep, test, throws, turns } from "../harness";

const raw = { imageType: "rgb565be", resolution: "96x96" } as const;
const quick: ArducamMegaOptions = { settle: 0, discard: 0 };

async function started(options: ArducamMegaOptions = quick): Promise<StillCamera> {
  const camera = new StillCamera(options);
  after(() => camera.close());
  await camera.start();
  return camera;
}

test("who the camera is", async () => {
  const camera = await started();
  const { model, ...rest } = camera.identification;
  equal(rest, { id: 0x81, year: 2023, month: 3, day: 18, fpga: 0x20 });
  assert(/5MP.*auto focus/.test(model), model);
});

/** How long a start took, milliseconds. */
async function startOf(options: ArducamMegaOptions): Promise<number> {
  const begun = Date.now();
  await started(options);
  return Date.now() - begun;
}

/** Of one capture of the virtual sensor, milliseconds. */
const captureTime = 66;

test("a start takes as long as its options say, and half a second and two captures if they say nothing", async () => {
  const least: [options: ArducamMegaOptions, milliseconds: number][] = [
    [{ settle: 700, discard: 0 }, 700],
    [{ discard: 0 }, 500],
    [{ settle: 0, discard: 6 }, 6 * captureTime],
    [{ settle: 0 }, 2 * captureTime],
  ];
  for (const [options, milliseconds] of least) {
    const time = await startOf(options);
    assert(time >= milliseconds, `${JSON.stringify(options)}: ${time} ms`);
  }
});

test("whether the camera can rewind is found out unless the options forbid it", async () => {
  for (const probeRewind of [undefined, true, false]) {
    const camera = new StillCamera({ settle: 0, discard: 1, probeRewind });
    after(() => camera.close());
    camera.configure(raw);
    await camera.start();
    equal(camera.rewindable, probeRewind === false ? undefined : false, `${probeRewind}`);
    const frame = await camera.takeStill(raw);
    equal(frame.rewindable, camera.rewindable);
    equal(frame.rewind(), true, "nothing was read yet");
    frame.read(new ArrayBuffer(1));
    equal(frame.rewind(), false);
    equal(frame.position, 1);
  }
});

test("short transfers are many", async () => {
  const periods: number[] = [];
  for (const transferSize of [64, 4092]) {
    const camera = await started({ ...quick, spi: { transferSize } });
    const before = camera.statistics;
    const frame = await camera.takeStill(raw);
    while (frame.read(new ArrayBuffer(4096)));
    const { bytes, transactions } = camera.statistics;
    equal(frame.position, 96 * 96 * 2);
    assert(bytes - before.bytes >= frame.byteLength, "each byte was on the bus");
    periods.push(transactions - before.transactions);
  }
  assert(periods[0] >= periods[1] + 280, periods.join());
});

test("settings reach the camera at once when it has nothing to do, and never tell that it is ready again", async () => {
  let readies = 0;
  const failures: string[] = [];
  const camera = new ArducamMega({ ...quick, onReady: () => readies++, onError: ({ code }) => failures.push(code) });
  after(() => camera.close());
  const beforeStart = async () => {
    camera.configure({ brightness: 2 });
    await turns(5);
    equal([camera.statistics.transactions, readies, failures], [0, 0, []], "before the start");
  };
  await beforeStart();
  camera.start();
  camera.stop();
  await beforeStart();
  camera.start();
  for (let turn = 0; !readies && turn < 1000; turn += 1) await sleep(1);
  const before = camera.statistics.transactions;
  camera.configure({ brightness: 3, contrast: -1 });
  await sleep(100);
  assert(camera.statistics.transactions >= before + 2, "two settings");
  equal([readies, failures], [1, []]);
});

test("a failure is told to who has asked for it, and a start begins anew", async () => {
  const events: string[] = [];
  const camera = new ArducamMega({
    ...quick,
    onReady: () => events.push("ready"),
    onReadable: () => events.push("readable"),
    onError: ({ code }) => events.push(code),
  });
  after(() => camera.close());
  const told = async () => {
    for (let turn = 0; !events.length && turn < 1000; turn += 1) await sleep(1);
    await sleep(100);
    return events.splice(0);
  };
  camera.configure({ resolution: "QXGA" }); // some camera has it
  camera.start();
  equal(await told(), ["Unsupported"]);
  camera.configure(raw);
  camera.start();
  equal(await told(), ["ready"]);
  camera.capture();
  equal(await told(), ["readable"]);
  camera.capture();
  camera.stop();
  throws(() => camera.capture(), "NotStarted");
  camera.configure({ brightness: 1 });
  await turns(5);
  equal(events, [], "when it was stopped");
  camera.start();
  equal(await told(), ["ready"]);
});

test("a lens that has found its place", async () => {
  const camera = await started();
  equal(camera.focused, false);
  await camera.takeStill({ ...raw, focus: "single" });
  equal(camera.focused, true);
});

test("nothing is told of a start or a capture that was given up", async () => {
  const events: string[] = [];
  const camera = new ArducamMega({
    ...quick,
    onReady: () => events.push("ready"),
    onReadable: () => events.push("readable"),
    onError: ({ code }) => events.push(code),
  });
  after(() => camera.close());
  camera.start();
  camera.stop();
  await sleep(200);
  equal(events, []);
  camera.start();
  for (let turn = 0; !events.length && turn < 1000; turn += 1) await sleep(1);
  camera.capture();
  camera.start();
  await sleep(200);
  equal(events, ["ready", "ready"]);
  camera.capture();
  camera.stop();
  await sleep(200);
  equal(events, ["ready", "ready"]);
});

test("after a failed start the next picture sets the camera up, and is what its promise gives", async () => {
  const camera = new StillCamera(quick);
  after(() => camera.close());
  camera.configure({ resolution: "QXGA" }); // some camera has it
  await rejects(() => camera.start(), "Unsupported");
  const frame = await camera.takeStill(raw);
  equal(frame.byteLength, 96 * 96 * 2);
});

test("callbacks of the class are kept where the options have none", async () => {
  const camera = await started({ ...quick, onReady: undefined, onReadable: undefined, onError: undefined });
  assert((await camera.takeStill(raw)).byteLength > 0);
});

test("before the start: no frame, no model, no setting but the default ones", () => {
  const camera = new Arducam();
  equal(camera.model, "unknown");
  equal(camera.setting(1), 1, "JPEG");
  equal(camera.setting(4), undefined, "brightness");
  equal(camera.setting(99), undefined);
  equal(camera.configure(4, -3), 0);
  equal(camera.setting(4), -3);
  equal(camera.describe(camera.configure(4, 5)), "Unsupported");
  equal([camera.supports(4, 4), camera.supports(4, 5)], [true, false]);
  equal(camera.describe(camera.capture()), "NotStarted");
  equal(camera.describe(camera.poll(0)), "NotStarted");
  equal(camera.describe(camera.read(new ArrayBuffer(1))), "NoFrame");
  equal(camera.describe(-99), "Unknown");
  equal(camera.rewind(), false);
  equal([camera.info(0), camera.info(5), camera.info(6), camera.info(7)], [0, 640, 480, 0]);
  equal([camera.info(14), camera.info(15), camera.info(1000)], [-1, undefined, undefined]);
  camera.close();
});

test("a driver that is closed throws", () => {
  const camera = new Arducam();
  camera.close();
  camera.close();
  for (const use of [
    () => camera.start(),
    () => camera.stop(),
    () => camera.poll(0),
    () => camera.capture(),
    () => camera.read(new ArrayBuffer(1)),
    () => camera.model,
  ])
    throws(use, Error);
});

test("so many drivers, one after the other, and none is left", () => {
  for (let count = 0; count < 1000; count += 1) {
    const camera = new Arducam();
    equal(camera.interval, 1);
    if (count % 2) camera.close();
  }
});
