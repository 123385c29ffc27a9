import { collectGarbage, statistics } from "statistics";
import { RecordStore } from "../../../modules/storage/record-store";
import { assert, equal, test, throws } from "../harness";

test("preloaded classes, functions and prototypes are read-only, as in flash", () => {
  throws(() => Object.assign(RecordStore.prototype, { added: 1 }), TypeError);
  throws(() => Object.assign(RecordStore, { added: 1 }), TypeError);
  throws(() => Object.assign(Array.prototype, { map: 1 }), TypeError);
});

test("a built-in that is written to is copied, and only then costs slots", () => {
  collectGarbage();
  const before = statistics().slots;
  (globalThis as { marker?: number }).marker = 1;
  collectGarbage();
  assert(statistics().slots - before < 20);
});

test("strings, arrays and regular expressions of the root survive collections", () => {
  const words = ["alpha", "beta"].map((word) => `${word}!`);
  const expression = /^(\w+)!$/;
  for (let i = 0; i < 20; i++) {
    collectGarbage();
    equal(expression.exec(words[0])?.[1], "alpha");
    equal(RecordStore.name, "RecordStore");
    equal(String(Symbol.iterator), "Symbol(Symbol.iterator)");
  }
});

test("the compute count is the same for the same work", () => {
  const measure = () => {
    const before = statistics().compute;
    for (let i = 0; i < 1000; i++) JSON.stringify({ i });
    return statistics().compute - before;
  };
  measure();
  const first = measure();
  assert(first > 1000);
  equal(measure(), first);
});

test("peaks are not below what is in use", () => {
  const { slots, slotsPeak, slotsTotal, chunkBytes, chunkBytesPeak, chunkBytesTotal } = statistics();
  assert(slots <= slotsPeak && slotsPeak <= slotsTotal);
  assert(chunkBytes <= chunkBytesPeak && chunkBytesPeak <= chunkBytesTotal);
});
