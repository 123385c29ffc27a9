import { asCloudError, CloudError } from "../../../modules/cloud/cloud-error";
import { equal, test } from "../harness";

test("an error that has a name keeps it, and its words; another one is told with both", () => {
  const own = new CloudError("Refused", "no");
  equal(asCloudError(own, "ClientFailed", "it failed") === own, true);
  equal([own.name, String(own)], ["CloudError", "CloudError: no"]);
  for (const [error, code, message] of [
    [Object.assign(new Error("no room"), { code: "QueueFull" }), "QueueFull", "no room"],
    [Object.assign(new Error(""), { code: "QueueFull" }), "QueueFull", "it failed"],
    [Object.assign(new Error("no room"), { code: 7 }), "ClientFailed", "it failed: no room"],
    [new Error("no room"), "ClientFailed", "it failed: no room"],
    [new Error(""), "ClientFailed", "it failed"],
    ["no room", "ClientFailed", "it failed"],
    [undefined, "ClientFailed", "it failed"],
  ] as const) {
    const made = asCloudError(error, "ClientFailed", "it failed");
    equal([made instanceof CloudError, made.code, made.message], [true, code, message]);
  }
});
