import { countBoot } from "../../../modules/app/boot-count";
import { equal, test } from "../harness";

/** One record, as the storage keeps it over the starts. */
class Records {
  text: string | undefined;

  read<T extends object>(): T | undefined {
    return this.text === undefined ? undefined : JSON.parse(this.text);
  }

  write(_key: string, record: object): void {
    this.text = JSON.stringify(record);
  }
}

test("starts are counted from 1", () => {
  const records = new Records();
  equal([countBoot(records), countBoot(records), countBoot(records)], [1, 2, 3]);
});

test("a record that makes no sense is begun anew", () => {
  for (const text of ["{}", '{"count":"7"}', '{"count":null}', "[]"]) {
    const records = new Records();
    records.text = text;
    equal([countBoot(records), countBoot(records)], [1, 2], text);
  }
});

test("a storage that takes nothing is a start of which nobody knows the number", () => {
  const records = new Records();
  countBoot(records);
  records.write = () => {
    throw new Error("full");
  };
  equal(countBoot(records), 0);
});
