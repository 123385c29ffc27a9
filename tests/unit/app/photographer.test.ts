import { Photographer } from "../../../modules/app/photographer";
import { equal, rejects, test } from "../harness";

/** @param cut for each still that is cut, one in a row */
function camera(sizes: Record<string, number> = {}, cut: boolean[] = []) {
  const taken: string[] = [];
  return {
    taken,
    resolutions: ["128x128", "VGA"],
    takeStill: async ({ resolution, quality }: { resolution: string; quality: string }) => {
      taken.push(`${resolution} ${quality}`);
      const byteLength = sizes[resolution] ?? 100;
      let position = 0;
      return {
        byteLength,
        width: 640,
        height: 480,
        get position() {
          return position;
        },
        read: (buffer: Uint8Array) => {
          const count = Math.min(7, buffer.length, byteLength - position);
          for (let i = 0; i < count; i++) buffer[i] = (position + i) & 255;
          position += count;
          return count;
        },
        rewind: () => false,
        complete: cut.shift() === undefined ? undefined : false,
      };
    },
  };
}

const photographer = (parts: ReturnType<typeof camera>) =>
  new Photographer({ camera: parts, nextImageId: () => "id", now: () => 1 });

test("the thumbnail is exposed first, so that the picture stays in the camera", async () => {
  const parts = camera();
  const photo = await photographer(parts).take({});
  equal(parts.taken.join(), "128x128 low,VGA default");
  equal(photo.thumbnail?.length, 100);
  equal(photo.thumbnail?.[99], 99);
});

test("a thumbnail that is too large is not held in RAM", async () => {
  const photo = await photographer(camera({ "128x128": 4097 })).take({});
  equal(photo.thumbnail, undefined);
  equal((await photographer(camera({ "128x128": 4096 })).take({})).thumbnail?.length, 4096);
});

test("a camera that ends a thumbnail early gives none", async () => {
  const parts = camera();
  const takeStill = parts.takeStill;
  parts.takeStill = async (settings) => ({ ...(await takeStill(settings)), byteLength: 120 });
  const photo = await photographer(parts).take({});
  equal(photo.thumbnail, undefined);
});

test("what the camera cannot do is refused by name", async () => {
  const subject = photographer(camera());
  for (const resolution of ["8K", "vga", ""]) await rejects(() => subject.take({ resolution }), "BadResolution");
  for (const quality of ["best", "Low", ""]) await rejects(() => subject.take({ quality }), "BadQuality");
  for (const quality of ["high", "default", "low"]) equal((await subject.take({ quality })).quality, quality);
});

test("one picture at a time", async () => {
  const subject = photographer(camera());
  const first = subject.take({});
  await rejects(() => subject.take({}));
  await first;
  await subject.take({});
});

test("after a failure there is no picture, and the next one may be taken", async () => {
  const parts = camera();
  const subject = photographer(parts);
  await subject.take({});
  const { takeStill } = parts;
  parts.takeStill = () => Promise.reject(new Error("CaptureTimeout"));
  await rejects(() => subject.take({}));
  equal(subject.photo, undefined);
  parts.takeStill = takeStill;
  equal((await subject.take({})).imageId, "id");
});

test("the memory is asked for when the picture is certain to be taken, and not before", async () => {
  const asked: string[] = [];
  const memory = {
    checkFree: (isForPerson: boolean) => void asked.push(`check ${isForPerson}`),
    makeWay: (isForPerson: boolean) => void asked.push(`make way ${isForPerson}`),
  };
  const subject = new Photographer({ camera: camera(), nextImageId: () => "id", now: () => 1 }, memory);
  await rejects(() => subject.take({ resolution: "8K" }));
  equal(asked.splice(0), ["check true"]);
  await subject.take({}, false);
  equal(asked.splice(0), ["check false", "make way false"]);
  memory.makeWay = () => {
    throw new Error("an upload has begun");
  };
  await rejects(() => subject.take({}));
  equal(subject.photo?.imageId, "id", "the picture before is still there");
});

test("a thumbnail that is cut is taken again, once", async () => {
  const parts = camera({}, [true, true]);
  const photo = await photographer(parts).take({});
  equal(parts.taken.join(), "128x128 low,128x128 low,VGA default");
  equal(photo.thumbnail?.length, 100, "half a thumbnail is better than none");
});

test("another picture in the place of one: the same name, size and thumbnail, another time", async () => {
  const parts = camera();
  let time = 1;
  const subject = new Photographer({ camera: parts, nextImageId: () => "id", now: () => time++ });
  const photo = await subject.take({ quality: "high" });
  const { frame, thumbnail } = photo;
  const retaking = subject.retake(photo);
  const others = [subject.take({}), subject.retake(photo)];
  for (const other of others) await rejects(() => other, "Busy");
  await retaking;
  equal(parts.taken.join(), "128x128 low,VGA high,VGA high");
  equal([photo.imageId, photo.time, photo.thumbnail === thumbnail, photo.frame === frame], ["id", 2, true, false]);
  equal(subject.photo === photo, true);
});

test("when the camera cannot take it again there is no picture any more", async () => {
  const parts = camera();
  const subject = photographer(parts);
  const photo = await subject.take({});
  const { takeStill } = parts;
  parts.takeStill = () => Promise.reject(Object.assign(new Error("late"), { code: "CaptureTimeout" }));
  await rejects(() => subject.retake(photo), "CaptureTimeout");
  equal(subject.photo, undefined);
  parts.takeStill = takeStill;
  equal((await subject.take({})).imageId, "id");
});

test("size and quality are those that are asked for, or else the owner's wishes", async () => {
  const parts = camera();
  const prepareCamera = () => ({ resolution: "VGA", quality: "high" });
  const subject = new Photographer({ camera: parts, nextImageId: () => "id", now: () => 1, prepareCamera });
  await subject.take({});
  await subject.take({ resolution: "128x128", quality: "low" });
  equal(parts.taken, ["128x128 low", "VGA high", "128x128 low", "128x128 low"]);
});
