import { EndpointChoice } from "../../../modules/cloud/endpoint-choice";
import { equal, test, throws } from "../harness";

const regions = ["eu.example", "us.example:443", "ap.example"];

/** So many failures in a row, a second apart. */
function fail(choice: EndpointChoice, count: number, from = 0): void {
  for (let i = 0; i < count; i += 1) choice.failed(from + i * 1000, false);
}

test("a single endpoint is never left", () => {
  for (const endpoints of ["eu.example", ["eu.example"]]) {
    const choice = new EndpointChoice(endpoints);
    fail(choice, 50);
    equal(choice.next(0), "eu.example");
  }
});

test("of several none is chosen at first, unless one of them was good last time", () => {
  equal(new EndpointChoice(regions).next(0), undefined);
  equal(new EndpointChoice(regions).candidates, regions);
  equal(new EndpointChoice(regions, "us.example:443").next(0), "us.example:443");
  equal(new EndpointChoice(regions, "somewhere.else").next(0), undefined);
});

test("three failures in a row: it is left, and is no candidate until another one was good", () => {
  const choice = new EndpointChoice(regions, "eu.example");
  fail(choice, 2);
  equal(choice.next(0), "eu.example");
  choice.failed(2000, false);
  equal(choice.current, "eu.example", "until the next attempt");
  equal(choice.next(0), undefined);
  equal(choice.candidates, [undefined, "us.example:443", "ap.example"]);
  choice.choose(1, 0);
  fail(choice, 3);
  equal(choice.next(0), undefined);
  equal(choice.candidates, [undefined, undefined, "ap.example"]);
  choice.choose(2, 0);
  choice.proved();
  equal(choice.candidates, regions);
  equal(choice.next(0), "ap.example");
});

test("one failure is enough when it took long", () => {
  const choice = new EndpointChoice(regions, "eu.example");
  equal(choice.next(1000), "eu.example");
  choice.failed(30_999, false);
  equal(choice.next(31_000), "eu.example");
  choice.failed(31_000, false);
  equal(choice.next(31_000), undefined);
  const late = new EndpointChoice(regions, "eu.example");
  late.next(0x7fff_ffff);
  late.failed(-0x8000_0000 + 29_999, false);
  equal(late.next(0), undefined, "the counter has turned over");
});

test("a connection that has held for hours and ends is one failure, however old it is", () => {
  const choice = new EndpointChoice(regions, "eu.example");
  choice.next(0);
  choice.proved();
  choice.failed(9_000_000, true);
  equal(choice.next(9_001_000), "eu.example");
  choice.failed(9_002_000, false);
  equal(choice.next(9_003_000), "eu.example");
  choice.failed(9_033_000, false);
  equal(choice.next(9_034_000), undefined);
});

test("one that accepts and drops, again and again, is left", () => {
  const choice = new EndpointChoice(regions, "eu.example");
  for (let i = 0; i < 3; i += 1) {
    equal(choice.next(i * 20_000), "eu.example");
    choice.failed(i * 20_000 + 10_000, true);
  }
  equal(choice.next(60_000), undefined);
});

test("a connection that held makes earlier failures count no more", () => {
  const choice = new EndpointChoice(regions, "eu.example");
  for (let i = 0; i < 10; i += 1) {
    choice.next(i * 100_000);
    fail(choice, 2, i * 100_000);
    choice.proved();
  }
  equal(choice.next(0), "eu.example");
});

test("all of them were left, or none of the others answers: all are candidates again", () => {
  const choice = new EndpointChoice(regions, "eu.example");
  for (const index of [0, 1, 2]) {
    choice.choose(index, 0);
    fail(choice, 3);
    equal(choice.next(0), undefined);
  }
  equal(choice.candidates, regions);
  choice.choose(0, 0);
  fail(choice, 3);
  equal(choice.next(0), undefined);
  equal(choice.widen(), true);
  equal(choice.candidates, regions);
  equal(choice.widen(), false);
});

test("what is no list of endpoints", () => {
  for (const bad of [[], Array.from({ length: 9 }, () => "a"), ["a", "b:0"], ["a", "http://b"], [""], ""])
    throws(() => new EndpointChoice(bad), "InvalidEndpoint");
});
