import { statistics } from "statistics";
import { memberOf } from "../../../modules/json/member-of";
import { equal, test } from "../harness";

const table = Object.freeze({ one: 1, none: 0, "": 2 });

test("a member by its own name, and nothing else", () => {
  equal([memberOf(table, "one"), memberOf(table, "none"), memberOf(table, "")], [1, 0, 2]);
  for (const name of ["two", "One", "constructor", "toString", "__proto__", "length", "0"])
    equal(memberOf(table, name), undefined, name);
  equal(memberOf({}, "one"), undefined);
});

/** Its figures have names, too: they are there after the first time. */
test("a name that is asked for takes no slot of the machine", () => {
  statistics();
  const { keys } = statistics();
  for (let i = 0; i < 100; i += 1) equal(memberOf(table, `asked-for-${i}`), undefined);
  equal(statistics().keys, keys);
});
