import { endpointField } from "../../../modules/app/endpoint-field";
import { IdentityStore } from "../../../modules/storage/identity-store";
import { RecordStore } from "../../../modules/storage/record-store";
import { equal, test, throws } from "../harness";

test("one endpoint, or a list of them, with ports or without", () => {
  for (const endpoint of [
    "a1b2c3-ats.iot.eu-west-1.amazonaws.com",
    "a1b2c3.ats.iot.cn-north-1.amazonaws.com.cn:443",
    ["eu.example", "us.example:443"],
    ["eu.example"],
    Array.from({ length: 8 }, (_, i) => `region-${i}.example`),
  ])
    equal(endpointField({ endpoint }), endpoint);
});

test("what is none", () => {
  for (const endpoint of [
    undefined,
    null,
    7,
    "",
    "https://eu.example",
    "eu.example:0",
    `${"x".repeat(300)}.example`,
    [],
    [""],
    [7],
    ["eu.example", "us example"],
    [["eu.example"]],
    Array.from({ length: 9 }, () => "eu.example"),
  ])
    throws(() => endpointField({ endpoint }), "BadField");
});

test("the endpoint that was good outlives a restart, and goes with the identity", () => {
  const records = new RecordStore("endpoint-test");
  const store = new IdentityStore(records);
  store.erase();
  equal(store.goodEndpoint, undefined);
  store.goodEndpoint = "eu.example";
  store.goodEndpoint = undefined;
  equal(new IdentityStore(records).goodEndpoint, "eu.example");
  store.goodEndpoint = "us.example:443";
  equal(new IdentityStore(records).goodEndpoint, "us.example:443");
  store.erase();
  equal(new IdentityStore(records).goodEndpoint, undefined);
});
