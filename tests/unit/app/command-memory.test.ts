import { CommandMemory, retainedMark, tokenMark } from "../../../modules/app/command-memory";
import { equal, test } from "../harness";

/** One record, as the storage keeps it over the starts. */
class Records {
  text: string | undefined;
  writes = 0;

  read<T extends object>(): T | undefined {
    return this.text === undefined ? undefined : JSON.parse(this.text);
  }

  write(_key: string, record: object): void {
    this.writes += 1;
    this.text = JSON.stringify(record);
  }
}

const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

test("a token has a mark; what is none has the mark 0", () => {
  for (const none of [undefined, null, "", 7, {}, ["a"], true]) equal(tokenMark(none), 0);
  // FNV-1a: the published hashes of "a" and of "foobar".
  equal(tokenMark("a"), 0xe40c292c | 0);
  equal(tokenMark("foobar"), 0xbf9cf968 | 0);
  const bytes = (text: string) => ArrayBuffer.fromString(text);
  equal(retainedMark(bytes("a")) === tokenMark("a"), false, "a retained message is no token");
  equal(retainedMark(bytes("a")) === retainedMark(bytes("b")), false);
});

test("the last eight of this start are remembered, the oldest is forgotten first", () => {
  const records = new Records();
  const memory = new CommandMemory(records);
  for (const mark of numbers(1, 9)) memory.remember(mark);
  equal(
    numbers(0, 10).filter((mark) => memory.isRecent(mark)),
    numbers(2, 9),
  );
  equal(
    numbers(0, 10).filter((mark) => memory.isKept(mark)),
    [],
  );
  equal(records.writes, 0);
  const again = new CommandMemory(records);
  equal(
    numbers(0, 10).filter((mark) => again.isRecent(mark)),
    [],
  );
});

test("one is forgotten, and the others stay", () => {
  const memory = new CommandMemory(new Records());
  for (const mark of numbers(1, 8)) memory.remember(mark);
  for (const mark of [0, 99, 1, 5]) memory.forget(mark);
  equal(
    numbers(0, 9).filter((mark) => memory.isRecent(mark)),
    [2, 3, 4, 6, 7, 8],
  );
});

test("the last eight that matter are kept, each written once", () => {
  const records = new Records();
  const memory = new CommandMemory(records);
  for (const mark of numbers(1, 9)) for (let i = 0; i < 2; i += 1) memory.keep(mark);
  memory.keep(0);
  equal(records.writes, 9);
  equal(records.text, '{"marks":[2,3,4,5,6,7,8,9]}');
  const again = new CommandMemory(records);
  equal(
    numbers(0, 10).filter((mark) => again.isKept(mark)),
    numbers(2, 9),
  );
  equal(
    numbers(0, 10).filter((mark) => again.isRecent(mark)),
    [],
    "of this start is none",
  );
  again.remember(20);
  again.keep(-1);
  equal(records.text, '{"marks":[3,4,5,6,7,8,9,-1]}');
});

test("marks that are no numbers, too few and too many", () => {
  const records = new Records();
  records.text = '{"marks":["7",true,null,[6],5,1e20,4]}';
  const few = new CommandMemory(records);
  equal(
    numbers(1, 9).filter((mark) => few.isKept(mark)),
    [4, 5],
  );
  records.text = JSON.stringify({ marks: numbers(1, 12) });
  const many = new CommandMemory(records);
  equal(
    numbers(0, 13).filter((mark) => many.isKept(mark)),
    numbers(1, 8),
  );
  equal(
    numbers(0, 13).filter((mark) => many.isRecent(mark)),
    [],
  );
});
