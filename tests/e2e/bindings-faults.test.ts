/** The binding function is cut short at every one of its steps, before and after the step has happened; and called by many at the same time. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import { CreateCertificateFromCsrCommand } from "@aws-sdk/client-iot";
import { mostCameras, mostPages } from "../../sim/cloud/bindings/owner-pages.ts";
import { type Cut, Lambda } from "./binding-lambda.ts";
import { makeRequest } from "./iot-rig.ts";
import { KeyedCamera } from "./keyed-camera.ts";
import { PeopleRig } from "./people-rig.ts";

let rig: PeopleRig;
let csr = "";
let count = 0;

before(async () => {
  rig = await PeopleRig.open();
  ({ csr } = await makeRequest("camera"));
});
after(() => rig?.close());

const identity = () => `us-east-1:${randomUUID()}`;

function camera(): string {
  count += 1;
  return `camera-${count}`;
}

async function certificate(): Promise<string> {
  const command = new CreateCertificateFromCsrCommand({ certificateSigningRequest: csr, setAsActive: true });
  return (await rig.administrator.iot.send(command)).certificateArn!;
}

/** The cameras that the person's policies name, and the thing's certificates with their states and policies. */
function rightsOf(thing: string, user: string) {
  const { registry } = rig.cloud;
  const found = registry.things.find(({ thingName }) => thingName === thing);
  return {
    owner: camerasOf(user),
    certificates: (found?.principals ?? []).map(stateOf),
  };
}

/** The things of the policies that are attached to somebody. */
function camerasOf(user: string): string[] {
  const { registry } = rig.cloud;
  const documents = registry.policiesOf(user).map((name) => registry.policy(name).policyDocument);
  return documents.flatMap((text) => [...text.matchAll(/:thing\/([^"]+)"/g)].map(([, thing]) => thing));
}

function stateOf(certificateArn: string): string {
  const { status, policies } = rig.cloud.registry.certificateOf(certificateArn);
  return [status, ...policies].join(" ");
}

const working = "ACTIVE devicelink-camera";

/** Somebody, a camera, and what is to be tried with it. */
interface Scenario {
  lambda: Lambda;
  user: string;
  message: object;
  /** After the cut. */
  checkCut(cut: Cut): Promise<void>;
  /** After the action has been done as a whole, at last. */
  checkWhole(): Promise<void>;
}

/** Tries an action without a cut, and then once for each of its steps and each side of the step: cut, then repeated. */
async function cutEverywhere(prepare: () => Promise<Scenario>): Promise<void> {
  const uncut = await prepare();
  assert.equal(await uncut.lambda.run(uncut.user, uncut.message), undefined);
  const { steps } = uncut.lambda;
  await uncut.checkWhole();
  assert.ok(steps >= 5, `${steps} steps`);
  for (let step = 1; step <= steps; step += 1) {
    for (const when of ["before", "after"] as const) {
      const { lambda, user, message, checkCut, checkWhole } = await prepare();
      await assert.rejects(lambda.run(user, message, { step, when }), /^Error: cut$/);
      await checkCut({ step, when });
      assert.equal(await lambda.run(user, message), undefined, `repeated after a cut ${when} step ${step}`);
      await checkWhole();
    }
  }
}

test("a claim that was cut short is the claimer's, and is whole when it is made again", async () => {
  await cutEverywhere(async () => {
    const [lambda, user, thingName] = [new Lambda({ rig }), identity(), camera()];
    const message = { action: "claim", thingName };
    return {
      lambda,
      user,
      message,
      checkCut: async ({ step, when }) => {
        const isBound = (await rig.table.get(thingName)) !== undefined;
        assert.equal(isBound, step > 3 || (step === 3 && when === "after"), "the binding comes before all rights");
        if (isBound) assert.equal(await lambda.run(identity(), message), "NotYours");
        else assert.deepEqual(camerasOf(user), []);
      },
      checkWhole: async () => {
        assert.deepEqual(rightsOf(thingName, user), { owner: [thingName], certificates: [] });
      },
    };
  });
});

test("a claim with a proof that was cut short can be repeated as it is, and ends with one certificate that works", async () => {
  await cutEverywhere(async () => {
    const [lambda, user, one] = [new Lambda({ rig }), identity(), new KeyedCamera()];
    const { thingName } = one;
    assert.equal(await lambda.run(user, { action: "challenge" }), undefined);
    const { nonce = "" } = lambda.answer;
    const message = { action: "claim", thingName, nonce, ...one.sign({ identity: user, nonce, csr }) };
    return {
      lambda,
      user,
      message,
      checkCut: async () => {
        if (await rig.table.get(thingName)) assert.equal(await lambda.run(identity(), message), "NotYours");
        assert.ok(rightsOf(thingName, user).certificates.length <= 1);
      },
      checkWhole: async () => {
        const owner = [thingName];
        assert.deepEqual(rightsOf(thingName, user), { owner, certificates: [working] });
        assert.equal(stateOf(lambda.answer.certificate!.certificateArn), working);
      },
    };
  });
});

/** A camera that works, with its owner. */
async function workingCamera() {
  const [lambda, user, thingName, certificateArn] = [new Lambda({ rig }), identity(), camera(), await certificate()];
  assert.equal(await lambda.run(user, { action: "claim", thingName }), undefined);
  assert.equal(await lambda.run(user, { action: "attach", thingName, certificateArn }), undefined);
  assert.deepEqual(rightsOf(thingName, user).certificates, [working]);
  return { lambda, user, thingName, certificateArn };
}

test("a release that was cut short lets nobody else in; made again, it leaves nothing behind", async () => {
  await cutEverywhere(async () => {
    const { lambda, user, thingName, certificateArn } = await workingCamera();
    const claim = { action: "claim", thingName };
    let isOver = false;
    return {
      lambda,
      user,
      message: { action: "release", thingName },
      checkCut: async () => {
        const binding = await rig.table.get(thingName);
        isOver = binding === undefined;
        if (binding) assert.equal(await lambda.run(identity(), claim), "NotYours");
        const attach = { action: "attach", thingName, certificateArn };
        if (binding?.releasing) assert.equal(await lambda.run(user, attach), "NoSuchCamera");
        if (isOver) assert.deepEqual(rightsOf(thingName, user), { owner: [], certificates: [] });
      },
      checkWhole: async () => {
        assert.deepEqual(rightsOf(thingName, user), { owner: [], certificates: [] });
        assert.equal(stateOf(certificateArn), "INACTIVE");
        assert.equal(await lambda.run(identity(), claim), undefined);
      },
    };
  });
});

test("an attachment that was cut short leaves a camera that works, and is whole when it is made again", async () => {
  await cutEverywhere(async () => {
    const { lambda, user, thingName, certificateArn: first } = await workingCamera();
    const second = await certificate();
    return {
      lambda,
      user,
      message: { action: "attach", thingName, certificateArn: second },
      checkCut: async () => {
        assert.ok(rightsOf(thingName, user).certificates.includes(working));
      },
      checkWhole: async () => {
        assert.deepEqual(rightsOf(thingName, user).certificates, [working]);
        assert.deepEqual([stateOf(first), stateOf(second)], ["INACTIVE", working]);
      },
    };
  });
});

test("a release in the middle of an attachment, at whichever step, leaves no certificate", async () => {
  let steps = 1;
  for (let step = 1; step <= steps; step += 1) {
    const { lambda, user, thingName } = await workingCamera();
    const certificateArn = await certificate();
    const release = async () =>
      assert.equal(await new Lambda({ rig }).run(user, { action: "release", thingName }), undefined);
    const message = { action: "attach", thingName, certificateArn };
    const code = await lambda.run(user, message, undefined, { step, run: release });
    steps = lambda.steps;
    assert.ok(code === undefined || code === "NoSuchCamera" || code === "BadRequest", code);
    assert.deepEqual(rightsOf(thingName, user).certificates, [], `released before step ${step}: ${code}`);
    assert.notEqual(stateOf(certificateArn), working);
  }
  assert.ok(steps >= 5);
});

test("an attachment in the middle of a release, at whichever step, leaves no certificate", async () => {
  let steps = 1;
  for (let step = 1; step <= steps; step += 1) {
    const { lambda, user, thingName } = await workingCamera();
    const message = { action: "attach", thingName, certificateArn: await certificate() };
    const attach = async () => void (await new Lambda({ rig }).run(user, message));
    assert.equal(await lambda.run(user, { action: "release", thingName }, undefined, { step, run: attach }), undefined);
    steps = lambda.steps;
    assert.deepEqual(rightsOf(thingName, user), { owner: [], certificates: [] }, `attached before step ${step}`);
  }
  assert.ok(steps >= 5);
});

test("a second release in the middle of a release, at whichever step, is as good as the first", async () => {
  let steps = 1;
  for (let step = 1; step <= steps; step += 1) {
    const { lambda, user, thingName } = await workingCamera();
    const release = { action: "release", thingName };
    const second = new Lambda({ rig });
    const run = async () => assert.equal(await second.run(user, release), undefined);
    const { isWaiting } = second;
    assert.equal(await lambda.run(user, release, undefined, { step, run, isWaiting }), undefined);
    steps = Math.max(steps, lambda.steps);
    assert.deepEqual(rightsOf(thingName, user), { owner: [], certificates: [] }, `released before step ${step}`);
    assert.equal(await rig.table.get(thingName), undefined);
  }
  assert.ok(steps >= 5);
});

for (const [inner, outer] of [
  ["claim", "release"],
  ["release", "claim"],
])
  test(`a ${inner} in the middle of one's own ${outer}, at whichever step: bound with all rights, or neither`, async () => {
    let steps = 1;
    for (let step = 1; step <= steps; step += 1) {
      const { lambda, user, thingName } = await workingCamera();
      const visitor = new Lambda({ rig });
      const run = async () => assert.equal(await visitor.run(user, { action: inner, thingName }), undefined);
      const { isWaiting } = visitor;
      assert.equal(
        await lambda.run(user, { action: outer, thingName }, undefined, { step, run, isWaiting }),
        undefined,
      );
      steps = Math.max(steps, lambda.steps);
      const isBound = (await rig.table.get(thingName)) !== undefined;
      assert.deepEqual(camerasOf(user), isBound ? [thingName] : [], `before step ${step}`);
    }
    assert.ok(steps >= 5);
  });

test("of many who claim a camera at the same time exactly one gets it", async () => {
  const thingName = camera();
  const people = Array.from({ length: 8 }, identity);
  const codes = await Promise.all(people.map((user) => new Lambda({ rig }).run(user, { action: "claim", thingName })));
  const winner = people[codes.indexOf(undefined)];
  assert.equal(codes.filter((code) => code === "NotYours").length, 7);
  assert.equal((await rig.table.get(thingName))?.user, winner);
  for (const user of people) assert.deepEqual(rightsOf(thingName, user).owner, user === winner ? [thingName] : []);
});

test("fifty cameras are the most, and a claim too many leaves nothing behind", async () => {
  const user = identity();
  rig.cloud.registry.attachPolicy("devicelink-phone", user);
  const lambda = new Lambda({ rig });
  assert.equal(mostCameras, 50);
  const things = Array.from({ length: mostCameras - 1 }, camera);
  for (const thingName of things) assert.equal(await lambda.run(user, { action: "claim", thingName }), undefined);
  // Neither of two sees the other in the count.
  const last = [camera(), camera()];
  const codes = await Promise.all(
    last.map((thingName) => new Lambda({ rig }).run(user, { action: "claim", thingName })),
  );
  assert.deepEqual([...codes].sort(), ["TooManyCameras", undefined]);
  const [won, lost] = codes[0] === undefined ? last : [...last].reverse();
  assert.deepEqual(camerasOf(user).sort(), [...things, won].sort());
  assert.ok(rig.cloud.registry.policiesOf(user).length <= mostPages + 1);
  assert.equal(await lambda.run(user, { action: "claim", thingName: lost }), "TooManyCameras");
  assert.equal(await rig.table.get(lost), undefined);
  assert.equal(await lambda.run(user, { action: "claim", thingName: things[3] }), undefined, "one's own, again");
  assert.equal(await lambda.run(identity(), { action: "claim", thingName: lost }), undefined, "free for others");
  assert.equal(await lambda.run(user, { action: "release", thingName: things[20] }), undefined);
  assert.deepEqual(camerasOf(user).sort(), [...things.filter((one) => one !== things[20]), won].sort());
  assert.equal(await lambda.run(user, { action: "claim", thingName: camera() }), undefined, "there is room again");
});

for (const [cutShort, instead] of [
  ["claim", "release"],
  ["release", "claim"],
])
  test(`a ${cutShort} that was cut short at whichever step, and a ${instead} instead of its repetition: the policy says so`, async () => {
    let steps = 1;
    for (let step = 1; step <= steps; step += 1)
      for (const when of ["before", "after"] as const) {
        const [lambda, user, other, thingName] = [new Lambda({ rig }), identity(), camera(), camera()];
        // The other one is on the same page: it stays, whatever becomes of this one.
        assert.equal(await lambda.run(user, { action: "claim", thingName: other }), undefined);
        if (cutShort === "release") assert.equal(await lambda.run(user, { action: "claim", thingName }), undefined);
        const isCut = await lambda.run(user, { action: cutShort, thingName }, { step, when }).then(
          () => false,
          (error) => /^Error: cut$/.test(String(error)),
        );
        if (isCut) steps = step + 1;
        assert.equal(await lambda.run(user, { action: instead, thingName }), undefined);
        const isBound = (await rig.table.get(thingName)) !== undefined;
        assert.equal(isBound, instead === "claim");
        assert.deepEqual(camerasOf(user), isBound ? [other, thingName] : [other], `cut ${when} step ${step}`);
      }
    assert.ok(steps >= 8, `${steps} steps`);
  });

/** Whoever has waited too long for the others is run again, as Lambda does it. */
async function runAgain(user: string, message: object, runs = 5): Promise<string | undefined> {
  try {
    return await new Lambda({ rig }).run(user, message);
  } catch (error) {
    if (runs === 1 || !/takes too long/.test(String(error))) throw error;
    return runAgain(user, message, runs - 1);
  }
}

test("many requests of one person at the same time: each camera has its rights, or is gone", async () => {
  const user = identity();
  const [kept, given] = [Array.from({ length: 4 }, camera), Array.from({ length: 4 }, camera)];
  const lambda = new Lambda({ rig });
  for (const thingName of given) assert.equal(await lambda.run(user, { action: "claim", thingName }), undefined);
  const all = [
    ...kept.map((thingName) => ({ action: "claim", thingName })),
    ...given.map((thingName) => ({ action: "release", thingName })),
    { action: "list" },
  ];
  const codes = await Promise.all(all.map((message) => runAgain(user, message)));
  assert.deepEqual(
    codes,
    all.map(() => undefined),
  );
  assert.deepEqual(camerasOf(user).sort(), [...kept].sort());
});

test("when AWS attaches no further policy, the claim is refused by name and undone, and the others work on", async () => {
  const user = identity();
  const lambda = new Lambda({ rig });
  const [first, second] = [camera(), camera()];
  assert.equal(await lambda.run(user, { action: "claim", thingName: first }), undefined);
  assert.equal(await lambda.run(user, { action: "release", thingName: first }), undefined);
  const { registry } = rig.cloud;
  for (let i = 0; i < 10; i += 1) {
    const name = `other-${count}-${i}`;
    registry.createPolicy(name, registry.policy("devicelink-phone").policyDocument);
    registry.attachPolicy(name, user);
  }
  assert.equal(await lambda.run(user, { action: "claim", thingName: second }), "TooManyCameras");
  assert.equal(await rig.table.get(second), undefined);
  registry.detachPolicy(`other-${count}-0`, user);
  assert.equal(await lambda.run(user, { action: "claim", thingName: second }), undefined);
  assert.deepEqual(camerasOf(user), [second]);
});
