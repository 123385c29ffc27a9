/** Several cameras in one policy: what fits, and that it opens nobody else's camera; owners of before, and another certs/owner-policy.json. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import ownerPolicy from "../../certs/owner-policy.json" with { type: "json" };
import {
  countThings,
  mostCameras,
  mostPages,
  OwnerDocument,
  thingsOf,
  withFittingPages,
  withThing,
} from "../../sim/cloud/bindings/owner-pages.ts";
import type { OwnerPage } from "../../sim/cloud/bindings/owner-record.ts";
import { isAllowed } from "../../sim/cloud/policy.ts";
import { checkPolicyDocument } from "../../sim/cloud/policy-document.ts";
import { PhoneRole } from "../../sim/cloud/role-policy.ts";
import { Lambda } from "./binding-lambda.ts";
import { PeopleRig } from "./people-rig.ts";

const account = "arn:aws:iot:us-east-1:123456789012:";
const document = new OwnerDocument(ownerPolicy);
const longestName = (index: number) => `camera-${String(index).padStart(24, "x")}`;

test("fifty cameras with the longest names, in the region with the longest name, fit AWS's nine policies of 2,048 characters", () => {
  let pages: OwnerPage[] = [];
  for (let i = 0; i < mostCameras; i += 1) {
    const more = withThing(pages, longestName(i), document, () => `page-${pages.length}`);
    assert.ok(more, `there is no room for the camera ${i + 1}`);
    pages = more;
  }
  assert.equal(countThings(pages), 50);
  assert.ok(pages.length <= mostPages);
  for (const { things } of pages) {
    const text = document.render(things, "arn:aws-iso-f:iot:us-isof-south-1:123456789012:");
    checkPolicyDocument(text);
    assert.ok(text.length <= 2048);
  }
  const [{ things }] = pages;
  assert.ok(
    document.render([...things, longestName(99)]).length > 2048,
    "a page is used up before the next one begins",
  );
  assert.equal(
    withThing(pages, longestName(99), document, () => "one"),
    undefined,
    "no more than fifty",
  );
  assert.deepEqual(
    withThing(pages, longestName(3), document, () => "one"),
    pages,
    "one that is there is there",
  );
});

test("a person whose nine policies are full gets no tenth", () => {
  const full = Array.from({ length: 8 }, longestName).slice(0, 7);
  assert.ok(document.fits(full) && !document.fits([...full, longestName(8)]));
  const pages = Array.from({ length: mostPages }, (_, i) => ({
    policy: `${i}`,
    things: i < 5 ? full : [longestName(i)],
  }));
  assert.ok(withThing(pages, longestName(99), document, () => "one"));
  const small = new OwnerDocument({ Statement: [{ Resource: `THING${"x".repeat(1500)}` }] });
  assert.equal(
    withThing(
      pages.slice(0, 9).map((page) => ({ ...page, things: ["camera-1"] })),
      "camera-2",
      small,
      () => "one",
    ),
    undefined,
  );
});

test("a file with longer statements: what has no room on its page any more moves, and what has none at all is left out", () => {
  const pages = [
    { policy: "first", things: Array.from({ length: 7 }, (_, i) => longestName(i)), applied: "a" },
    { policy: "second", things: [longestName(7)], applied: "b" },
  ];
  let names = 0;
  const newName = () => `new-${++names}`;
  const refit = (extra: number) =>
    withFittingPages(pages, new OwnerDocument({ ...ownerPolicy, Id: "x".repeat(extra) }), newName);
  assert.deepEqual(refit(0), pages, "as they are");
  const moved = refit(900);
  assert.deepEqual(
    moved.map(({ policy, things }) => [policy, things.length]),
    [
      ["first", 3],
      ["second", 3],
      ["new-1", 2],
    ],
  );
  assert.deepEqual(thingsOf(moved).sort(), thingsOf(pages).sort());
  assert.deepEqual(
    refit(1600).map(({ things }) => things.length),
    Array.from({ length: 8 }, () => 1),
    "one each",
  );
  const many = Array.from({ length: 5 }, (_, i) => ({
    policy: `${i}`,
    things: [longestName(2 * i), longestName(2 * i + 1)],
  }));
  const one = new OwnerDocument({ ...ownerPolicy, Id: "x".repeat(3000) });
  assert.equal(thingsOf(withFittingPages(many, one, newName)).length, mostPages);
});

const sub = "us-east-1:5e0f5b4c-6d2e-4f6a-9a57-3a1c6d3e9f00";
const role = new PhoneRole({ region: "us-east-1", accountId: "123456789012", bucket: "photos" });

/** What the role and the policies of somebody who has these cameras allow. */
function may(things: string[], action: string, resource: string): boolean {
  const request = { action: `iot:${action}`, resource: `${account}${resource}` };
  return (
    isAllowed([document.render(things, account)], { ...request, variables: {} }) &&
    role.isRoleAllowed({ ...request, identityId: sub })
  );
}

const said = (thing: string) => [
  `device/${thing}/commands`,
  `$aws/things/${thing}/shadow/get`,
  `$aws/things/${thing}/shadow/update`,
];
const heard = (thing: string) => [
  ...["answers", "telemetry", "photos"].map((name) => `device/${thing}/${name}`),
  ...["get/accepted", "get/rejected", "update/documents", "update/rejected"].map(
    (name) => `$aws/things/${thing}/shadow/${name}`,
  ),
  ...["connected", "disconnected"].map((name) => `$aws/events/presence/${name}/${thing}`),
];
/** Of a camera's, and not for its owner's phone; the shadows with a name have another camera's. */
const closed = (thing: string, name: string) => [
  `device/${thing}/uploads/request`,
  `device/${thing}/uploads/grant`,
  `$aws/things/${thing}/jobs/notify`,
  `$aws/things/${thing}/shadow/delete`,
  ...["get", "update", "delete", "update/accepted", "get/accepted"].map(
    (verb) => `$aws/things/${thing}/shadow/name/${name}/${verb}`,
  ),
];

test("an owner may do with each of their cameras what phones do, and no more", () => {
  const things = ["camera-1", longestName(2), "camera-a_b-c"];
  for (const thing of things) {
    for (const topic of said(thing)) assert.ok(may(things, "Publish", `topic/${topic}`), topic);
    for (const topic of heard(thing)) {
      assert.ok(may(things, "Receive", `topic/${topic}`), topic);
      assert.ok(may(things, "Subscribe", `topicfilter/${topic}`), topic);
      assert.ok(!may(things, "Publish", `topic/${topic}`), topic);
    }
    for (const action of ["GetThingShadow", "UpdateThingShadow"]) assert.ok(may(things, action, `thing/${thing}`));
    assert.ok(!may(things, "DeleteThingShadow", `thing/${thing}`));
    assert.ok(!may(things, "GetThingShadow", `thing/${thing}/camera-2`), "no shadow with a name");
    for (const topic of closed(thing, thing))
      for (const [action, kind] of [
        ["Publish", "topic"],
        ["Receive", "topic"],
        ["Subscribe", "topicfilter"],
      ])
        assert.ok(!may(things, action, `${kind}/${topic}`), `${action} ${topic}`);
  }
});

/** All filters of MQTT that a message on this topic fits. */
function filtersOf(topic: string): string[] {
  const levels = topic.split("/");
  let filters = [""];
  const all: string[] = ["#"];
  for (const [index, level] of levels.entries()) {
    filters = filters.flatMap((start) => [level, "+"].map((one) => (index === 0 ? one : `${start}/${one}`)));
    all.push(...filters.map((filter) => `${filter}/#`));
  }
  return [...all, ...filters];
}

for (const [own, others] of [
  ["camera-a", "camera-ab"],
  ["camera-ab", "camera-a"],
  ["camera-b", "camera-camera-b"],
  ["camera-a", "camera-a-camera-a"],
  ["camera-1", "camera-2"],
  [longestName(1), longestName(2)],
])
  test(`who owns ${own} has nothing of ${others}: no topic, no shadow, no filter that takes any of it`, () => {
    const topics = [...said(others), ...heard(others), ...closed(others, own)];
    for (const topic of topics) {
      for (const action of ["Publish", "Receive"])
        assert.ok(!may([own], action, `topic/${topic}`), `${action} ${topic}`);
      for (const filter of filtersOf(topic)) assert.ok(!may([own], "Subscribe", `topicfilter/${filter}`), filter);
    }
    for (const action of ["GetThingShadow", "UpdateThingShadow"])
      for (const shadow of ["", `/${own}`])
        assert.ok(!may([own], action, `thing/${others}${shadow}`), `${action} ${shadow}`);
  });

let rig: PeopleRig;
before(async () => {
  rig = await PeopleRig.open();
});
after(() => rig?.close());

/** The things of the policies that are attached to somebody. */
function camerasOf(user: string): string[] {
  const { registry } = rig.cloud;
  const documents = registry.policiesOf(user).map((name) => registry.policy(name).policyDocument);
  return documents.flatMap((text) => [...text.matchAll(/:thing\/([^"]+)"/g)].map(([, thing]) => thing)).sort();
}

const person = () => `us-east-1:${randomUUID()}`;
const camera = () => `camera-${randomUUID().slice(0, 13)}`;

/** Somebody with cameras of before: a policy each, and its name in the binding. */
async function formerOwner(count: number) {
  const { registry } = rig.cloud;
  const user = person();
  const things = Array.from({ length: count }, camera).sort();
  for (const thing of things) {
    const policy = `devicelink-owner-${thing}-${randomUUID()}`;
    registry.createThing(thing, {});
    const Statement = { Effect: "Allow", Action: "iot:GetThingShadow", Resource: registry.arn(`thing/${thing}`) };
    registry.createPolicy(policy, JSON.stringify({ Version: "2012-10-17", Statement }));
    registry.attachPolicy(policy, user);
    await rig.table.put({ thing, user, policy });
  }
  return { user, things };
}

const isNew = (name: string) => rig.cloud.registry.policy(name).policyDocument.includes(":topic*/");

test("nine cameras of before keep their policies, whose documents follow, and a tenth and a sixteenth have room there", async () => {
  const { user, things } = await formerOwner(9);
  const { registry } = rig.cloud;
  const policies = registry.policiesOf(user);
  registry.attachPolicy("devicelink-phone", user);
  const lambda = new Lambda({ rig });
  assert.equal(await lambda.run(user, { action: "list" }), undefined);
  assert.equal(lambda.answer.cameras?.length, 9);
  assert.ok(policies.every(isNew));
  const more = Array.from({ length: 7 }, camera);
  for (const thingName of more) assert.equal(await lambda.run(user, { action: "claim", thingName }), undefined);
  assert.deepEqual(camerasOf(user), [...things, ...more].sort());
  assert.deepEqual([...registry.policiesOf(user)].sort(), [...policies, "devicelink-phone"].sort());
});

test("a camera of before is released: its rights go, those of the others stay", async () => {
  const { user, things } = await formerOwner(3);
  const lambda = new Lambda({ rig });
  const [first, second, third] = things;
  assert.equal(await lambda.run(user, { action: "release", thingName: second }), undefined);
  assert.deepEqual(camerasOf(user), [first, third]);
  // The page of the first has another camera as well by now.
  const guest = camera();
  assert.equal(await lambda.run(user, { action: "claim", thingName: guest }), undefined);
  assert.equal(await lambda.run(user, { action: "release", thingName: first }), undefined);
  assert.deepEqual(camerasOf(user), [guest, third].sort());
  for (const thingName of [guest, third]) await lambda.run(user, { action: "release", thingName });
  assert.deepEqual(rig.cloud.registry.policiesOf(user), []);
});

test("a camera of before whose release was cut short is not brought back", async () => {
  const { user, things } = await formerOwner(2);
  await rig.table.startRelease(things[0], user);
  const lambda = new Lambda({ rig });
  assert.equal(await lambda.run(user, { action: "list" }), undefined);
  assert.deepEqual(camerasOf(user), [things[1]]);
  assert.equal(await lambda.run(user, { action: "release", thingName: things[0] }), undefined);
  assert.deepEqual(camerasOf(user), [things[1]]);
});

test("another file is what every owner has when they ask next, however often it changes", async () => {
  const user = person();
  const things = Array.from({ length: 8 }, camera).sort();
  const lambda = new Lambda({ rig });
  for (const thingName of things) assert.equal(await lambda.run(user, { action: "claim", thingName }), undefined);
  const { registry } = rig.cloud;
  const [{ Action, ...statement }] = ownerPolicy.Statement;
  for (let i = 1; i <= 7; i += 1) {
    const template = { ...ownerPolicy, Statement: [{ ...statement, Action: [...Action, `iot:Action${i}`] }] };
    const changed = new Lambda({ rig, template });
    assert.equal(await changed.run(user, { action: "list" }), undefined);
    for (const name of registry.policiesOf(user))
      assert.match(registry.policy(name).policyDocument, new RegExp(`"iot:Action${i}"`));
    assert.deepEqual(camerasOf(user), things);
    const steps = changed.steps;
    assert.equal(await changed.run(user, { action: "list" }), undefined);
    assert.ok(changed.steps < steps && changed.steps <= 4, "nothing is written twice");
  }
  assert.ok(registry.policiesOf(user).every((name) => (registry.policy(name).versions?.length ?? 1) <= 5));
});

test("a file with longer statements moves cameras to other policies, and nobody loses one", async () => {
  const user = person();
  const things = Array.from({ length: 9 }, (_, i) => `${camera()}${"x".repeat(10)}${i}`).sort();
  const lambda = new Lambda({ rig });
  for (const thingName of things) assert.equal(await lambda.run(user, { action: "claim", thingName }), undefined);
  const { registry } = rig.cloud;
  const before = registry.policiesOf(user);
  const longer = new Lambda({ rig, template: { ...ownerPolicy, Id: "x".repeat(900) } });
  assert.equal(await longer.run(user, { action: "list" }), undefined);
  assert.deepEqual(camerasOf(user), things);
  assert.ok(registry.policiesOf(user).length > before.length);
});

test("another file that was cut short at whichever step, and then the one of before: the policies are as before", async () => {
  const user = person();
  const lambda = new Lambda({ rig });
  for (const thingName of Array.from({ length: 8 }, (_, i) => `${camera()}${"x".repeat(10)}${i}`))
    assert.equal(await lambda.run(user, { action: "claim", thingName }), undefined);
  const { registry } = rig.cloud;
  const documents = () => registry.policiesOf(user).map((name) => registry.policy(name).policyDocument);
  const before = documents();
  assert.equal(before.length, 2);
  const [statement] = ownerPolicy.Statement;
  const template = { ...ownerPolicy, Statement: [{ ...statement, Action: statement.Action.slice(1) }] };
  let isCut = true;
  for (let step = 1; isCut; step += 1) {
    const changed = new Lambda({ rig, template }).run(user, { action: "list" }, { step, when: "after" });
    isCut = await changed.then(
      () => false,
      () => true,
    );
    assert.equal(await lambda.run(user, { action: "list" }), undefined);
    assert.deepEqual(documents(), before, `cut after step ${step}`);
  }
});

test("what the administrator has written into the table or deleted is what the owner has when they ask next", async () => {
  const [user, written, deleted] = [person(), camera(), camera()];
  const lambda = new Lambda({ rig });
  assert.equal(await lambda.run(user, { action: "claim", thingName: deleted }), undefined);
  await rig.table.delete(deleted);
  await rig.table.put({ thing: written, user });
  assert.equal(await lambda.run(user, { action: "list" }), undefined);
  assert.deepEqual(camerasOf(user), [written], "also of a thing that nobody has made yet");
  assert.equal(await new Lambda({ rig, stale: true }).run(user, { action: "list" }), undefined);
  assert.deepEqual(camerasOf(user), [written], "an index that is behind takes nothing away");
  await rig.table.put({ thing: written, user: person() });
  assert.equal(await lambda.run(user, { action: "list" }), undefined);
  assert.deepEqual(camerasOf(user), []);
});
