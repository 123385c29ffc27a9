import { completeSettings } from "../../../modules/cloud/settings";
import { equal, test } from "../harness";

test("what nobody sets is as README.md promises, and lies in flash", () => {
  const settings = completeSettings({});
  equal(settings === completeSettings({ keepAlive: 0, queueCount: 16, connectTimeout: undefined }), true);
  const { connectTimeout, connackTimeout, pingTimeout, acknowledgeTimeout, holdTimeout, stableTime } = settings;
  equal([connectTimeout, connackTimeout, pingTimeout, acknowledgeTimeout], [30_000, 10_000, 20_000, 10_000]);
  equal([holdTimeout, stableTime], [120_000, 30_000]);
  equal([settings.maximumMessage, settings.queueCount, settings.queueBytes], [4096, 16, 8192]);
});

test("one that is set leaves the others as they are", () => {
  const { queueCount, queueBytes, pingTimeout } = completeSettings({ queueCount: 3 });
  equal([queueCount, queueBytes, pingTimeout], [3, 8192, 20_000]);
});

test("PINGRESP has half of a keep-alive that is set, 20 s at most, unless it is set itself", () => {
  for (const [given, pingTimeout] of [
    [{ keepAlive: 30 }, 15_000],
    [{ keepAlive: 5 }, 15_000],
    [{ keepAlive: 38 }, 19_000],
    [{ keepAlive: 1200 }, 20_000],
    [{ keepAlive: 30, pingTimeout: 7 }, 7],
  ] as const)
    equal(completeSettings(given).pingTimeout, pingTimeout, JSON.stringify(given));
});
