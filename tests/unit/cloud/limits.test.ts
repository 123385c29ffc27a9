import { checkClientId, checkTopic, checkTopicFilter } from "../../../modules/cloud/limits";
import { equal, test, throws } from "../harness";

test("a wildcard stands for a whole level of a filter, # for the last one", () => {
  for (const filter of ["+", "#", "a/+/b", "+/+", "a/#", "+/#", "a//b", "/", "a b"])
    equal(checkTopicFilter(filter), undefined, filter);
  for (const filter of ["", "a+", "+a/b", "a#", "#/a", "a/#/b", "a/b#", "\0"])
    throws(() => checkTopicFilter(filter), "InvalidTopic");
});

test("256 bytes and seven slashes are the most, of a topic and of a filter", () => {
  for (const check of [checkTopic, checkTopicFilter]) {
    equal(check("x".repeat(256)), undefined);
    throws(() => check("x".repeat(257)), "InvalidTopic");
    equal(check("/".repeat(7)), undefined);
    throws(() => check("/".repeat(8)), "InvalidTopic");
  }
});

test("the name of a rule counts neither for the length nor for the slashes, and is no topic by itself", () => {
  equal(checkTopic(`$aws/rules/r/${"/".repeat(7)}`), undefined);
  throws(() => checkTopic(`$aws/rules/r/${"/".repeat(8)}`), "InvalidTopic");
  throws(() => checkTopic("$aws/rules/r/"), "InvalidTopic");
  throws(() => checkTopic("$aws/rules/r/a/+"), "InvalidTopic");
});

test("a client id has 1 to 128 bytes, and does not begin with $", () => {
  for (const id of ["x", "x".repeat(128), "ä".repeat(64), "a$"]) equal(checkClientId(id), undefined);
  for (const id of ["", "x".repeat(129), "ä".repeat(65), "$a"]) throws(() => checkClientId(id), "InvalidClientId");
});
