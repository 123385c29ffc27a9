import { type OutcomeOwner, runStep, tell } from "../../../modules/network/single-outcome";
import { equal, test } from "../harness";

class Owner implements OutcomeOwner {
  outcomes: unknown[] = [];

  broken(error: unknown): void {
    this.outcomes.push(error);
  }

  step(this: Owner, argument: number): void {
    if (argument < 0) throw new RangeError("negative");
    this.outcomes.push(argument);
  }
}

test("a step that throws is the owner's outcome, and nothing is thrown", () => {
  const owner = new Owner();
  runStep(owner, owner.step, 3);
  runStep(owner, owner.step, -1);
  equal([owner.outcomes[0], (owner.outcomes[1] as Error).message, owner.outcomes.length], [3, "negative", 2]);
});

test("who is told may throw, or not be there", () => {
  const heard: unknown[] = [];
  const target = {
    heard,
    method(this: { heard: unknown[] }, value: unknown) {
      this.heard.push(value);
      throw value;
    },
  };
  for (const thrown of [new Error("x"), undefined, "text"]) tell(target, target.method, thrown);
  tell(target, undefined, 1);
  equal(heard.length, 3);
});
