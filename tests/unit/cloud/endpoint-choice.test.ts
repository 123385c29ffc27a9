import { EndpointChoice } from "../../../modules/cloud/endpoint-choice";
import { equal, test, throws } from "../harness";

const regions = ["eu.example", "us.example:443", "ap.example"];

/** So many failures in a row, a second apart. */
function fail(choice: EndpointChoice, count: number, from = 0): void {
  for (let i = 0; i < count; i += 1) choice.failed(from + i * 1000);
}

test("a single endpoint is never left", () => {
  for (const endpoints of ["eu.example", ["eu.example"]]) {
    const choice = new EndpointChoice(endpoints);
    fail(choice, 50);
    equal(choice.next(), "eu.example");
  }
});

test("of several none is chosen at first, unless one of them was good last time", () => {
  equal(new EndpointChoice(regions).next(), undefined);
  equal(new EndpointChoice(regions).candidates, regions);
  equal(new EndpointChoice(regions, "us.example:443").next(), "us.example:443");
  equal(new EndpointChoice(regions, "somewhere.else").next(), undefined);
});

test("three failures in a row: it is left, and is no candidate until another one was good", () => {
  const choice = new EndpointChoice(regions, "eu.example");
  fail(choice, 2);
  equal(choice.next(), "eu.example");
  choice.failed(2000);
  equal(choice.current, "eu.example", "until the next attempt");
  equal(choice.next(), undefined);
  equal(choice.candidates, [undefined, "us.example:443", "ap.example"]);
  choice.choose(1);
  fail(choice, 3);
  equal(choice.next(), undefined);
  equal(choice.candidates, [undefined, undefined, "ap.example"]);
  choice.choose(2);
  choice.proved();
  equal(choice.candidates, regions);
  equal(choice.next(), "ap.example");
});

test("two failures are enough when they took long", () => {
  const choice = new EndpointChoice(regions, "eu.example");
  choice.failed(0);
  choice.failed(29_999);
  equal(choice.next(), "eu.example");
  choice.proved();
  choice.failed(100_000);
  choice.failed(130_000);
  equal(choice.next(), undefined);
  const late = new EndpointChoice(regions, "eu.example");
  late.failed(0x7fff_ffff);
  late.failed(-0x8000_0000 + 29_999);
  equal(late.next(), undefined, "the counter has turned over");
});

test("a connection that held makes earlier failures count no more", () => {
  const choice = new EndpointChoice(regions, "eu.example");
  for (let i = 0; i < 10; i += 1) {
    fail(choice, 2, i * 100_000);
    choice.proved();
  }
  equal(choice.next(), "eu.example");
});

test("all of them were left, or none of the others answers: all are candidates again", () => {
  const choice = new EndpointChoice(regions, "eu.example");
  for (const index of [0, 1, 2]) {
    choice.choose(index);
    fail(choice, 3);
    equal(choice.next(), undefined);
  }
  equal(choice.candidates, regions);
  choice.choose(0);
  fail(choice, 3);
  equal(choice.next(), undefined);
  choice.failed(0);
  equal(choice.candidates, regions);
});

test("what is no list of endpoints", () => {
  for (const bad of [[], Array.from({ length: 9 }, () => "a"), ["a", "b:0"], ["a", "http://b"], [""], ""])
    throws(() => new EndpointChoice(bad), "InvalidEndpoint");
});
