import { Condition } from "../../../modules/network/condition";
import { WiFiError } from "../../../modules/network/wifi-types";
import { equal, rejects, test, turns } from "../harness";

/** A wait that counts how often it was asked. */
function waiting(condition: Condition, timeout: number, steadfast?: boolean) {
  const it = { holds: false, asked: 0, promise: undefined as unknown as Promise<void> };
  it.promise = condition.wait(
    () => {
      it.asked += 1;
      return it.holds;
    },
    timeout,
    steadfast,
  );
  return it;
}

test("who waits is asked at once and at each check, until it holds", async () => {
  const condition = new Condition();
  const one = waiting(condition, 5000);
  const other = waiting(condition, 5000);
  equal([one.asked, other.asked], [2, 1]);
  one.holds = true;
  condition.check();
  await one.promise;
  condition.check();
  equal([one.asked, other.asked], [3, 3]);
  other.holds = true;
  condition.check();
  await other.promise;
});

test("what holds already is not waited for", async () => {
  await new Condition().wait(() => true, 5000);
  equal(true, true);
});

test("time is up: Timeout, and nobody is asked any more", async () => {
  const condition = new Condition();
  const one = waiting(condition, 10);
  await rejects(one.promise, "Timeout");
  const { asked } = one;
  condition.check();
  equal(one.asked, asked);
});

test("a failure ends all but the steadfast, who are asked on", async () => {
  const condition = new Condition();
  const one = waiting(condition, 5000);
  const steadfast = waiting(condition, 5000, true);
  condition.fail(new WiFiError("Cancelled", "on purpose"));
  await rejects(one.promise, "Cancelled");
  await turns(2);
  const { asked } = one;
  steadfast.holds = true;
  condition.check();
  await steadfast.promise;
  equal(one.asked, asked);
});
