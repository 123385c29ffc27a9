/** The binding function is cut short at every one of its steps, before and after the step has happened; and called by many at the same time. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import { CreateCertificateFromCsrCommand, IoTClient } from "@aws-sdk/client-iot";
import ownerPolicy from "../../certs/owner-policy.json" with { type: "json" };
import type { BindingTable } from "../../sim/cloud/bindings/binding.ts";
import {
  type BindingAnswer,
  type BindingHandler,
  createBindingHandler,
  mostCameras,
} from "../../sim/cloud/bindings/binding-service.ts";
import { CameraRights } from "../../sim/cloud/bindings/camera-rights.ts";
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

/** Where the wire is cut. */
interface Cut {
  /** From 1. */
  step: number;
  when: "before" | "after";
}

/** What somebody else does just before a step. */
interface Visit {
  step: number;
  run(): Promise<void>;
}

/** The function as Lambda runs it, with a wire that can be cut at any of its steps. */
class Lambda {
  /** Steps that have been taken: calls of the table and of AWS IoT. */
  steps = 0;
  /** The last one. */
  answer: BindingAnswer = { requestId: "", action: "" };
  #cut?: Cut;
  #visit?: Visit;
  #handler: BindingHandler;

  /** @param stale whether the table's index does not know of anything yet */
  constructor({ stale = false } = {}) {
    const { cloud, table } = rig;
    const iot = new IoTClient({
      region: cloud.region,
      credentials: cloud.accessKey,
      endpoint: cloud.api.url,
      // One connection for all of them: handshakes take longer than all the rest.
      requestHandler: rig.administrator.iot.config.requestHandler,
      maxAttempts: 1,
    });
    iot.middlewareStack.add((next) => (args) => this.#step(() => next(args)), { step: "initialize" });
    const wire = new Proxy<BindingTable>(table, {
      get:
        (target, name: keyof BindingTable) =>
        (...args: never[]) =>
          this.#step(async () => {
            if (stale && name === "ofUser") return [];
            return (target[name] as (...given: never[]) => Promise<unknown>).apply(target, args);
          }),
    });
    this.#handler = createBindingHandler({
      table: wire,
      rights: new CameraRights({ iot, ownerPolicy }),
      allowUnproven: true,
      publish: (_topic, payload) =>
        this.#step(async () => {
          this.answer = JSON.parse(payload);
        }),
    });
  }

  /** @returns the code of the refusal, or undefined when it was done */
  async run(user: string, message: object, cut?: Cut, visit?: Visit): Promise<string | undefined> {
    this.steps = 0;
    this.#cut = cut;
    this.#visit = visit;
    try {
      return (await this.#handler({ identity: user, requestId: "r", ...message })).code;
    } finally {
      this.#cut = undefined;
    }
  }

  async #step<T>(take: () => Promise<T>): Promise<T> {
    this.steps += 1;
    const visit = this.#visit;
    if (visit?.step === this.steps) await visit.run();
    const isHere = this.#cut?.step === this.steps;
    if (isHere && this.#cut?.when === "before") throw new Error("cut");
    const result = await take();
    if (isHere) throw new Error("cut");
    return result;
  }
}

const identity = () => `us-east-1:${randomUUID()}`;

function camera(): string {
  count += 1;
  return `camera-${count}`;
}

async function certificate(): Promise<string> {
  const command = new CreateCertificateFromCsrCommand({ certificateSigningRequest: csr, setAsActive: true });
  return (await rig.administrator.iot.send(command)).certificateArn!;
}

/** Owner's policies, and the thing's certificates with their states and policies. */
function rightsOf(thing: string, user: string) {
  const { registry } = rig.cloud;
  const found = registry.things.find(({ thingName }) => thingName === thing);
  return {
    owner: registry.policiesOf(user).map((name) => name.replace(/-[0-9a-f]{32}$/, "")),
    certificates: (found?.principals ?? []).map(stateOf),
  };
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
    const [lambda, user, thingName] = [new Lambda(), identity(), camera()];
    const message = { action: "claim", thingName };
    return {
      lambda,
      user,
      message,
      checkCut: async ({ step, when }) => {
        const isBound = (await rig.table.get(thingName)) !== undefined;
        assert.equal(isBound, step > 3 || (step === 3 && when === "after"), "the binding comes before all rights");
        if (isBound) assert.equal(await lambda.run(identity(), message), "NotYours");
      },
      checkWhole: async () => {
        assert.deepEqual(rightsOf(thingName, user), { owner: [`devicelink-owner-${thingName}`], certificates: [] });
      },
    };
  });
});

test("a claim with a proof that was cut short can be repeated as it is, and ends with one certificate that works", async () => {
  await cutEverywhere(async () => {
    const [lambda, user, one] = [new Lambda(), identity(), new KeyedCamera()];
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
        const owner = [`devicelink-owner-${thingName}`];
        assert.deepEqual(rightsOf(thingName, user), { owner, certificates: [working] });
        assert.equal(stateOf(lambda.answer.certificate!.certificateArn), working);
      },
    };
  });
});

/** A camera that works, with its owner. */
async function workingCamera() {
  const [lambda, user, thingName, certificateArn] = [new Lambda(), identity(), camera(), await certificate()];
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
    const release = async () => assert.equal(await new Lambda().run(user, { action: "release", thingName }), undefined);
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
    const attach = async () => void (await new Lambda().run(user, message));
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
    const again = async () => assert.equal(await new Lambda().run(user, release), undefined);
    assert.equal(await lambda.run(user, release, undefined, { step, run: again }), undefined);
    steps = Math.max(steps, lambda.steps);
    assert.deepEqual(rightsOf(thingName, user), { owner: [], certificates: [] }, `released before step ${step}`);
    assert.equal(await rig.table.get(thingName), undefined);
  }
  assert.ok(steps >= 5);
});

test("a claim in the middle of one's own release, at whichever step: bound with all rights, or neither", async () => {
  let steps = 1;
  for (let step = 1; step <= steps; step += 1) {
    const { lambda, user, thingName } = await workingCamera();
    const claim = async () => assert.equal(await new Lambda().run(user, { action: "claim", thingName }), undefined);
    const release = { action: "release", thingName };
    assert.equal(await lambda.run(user, release, undefined, { step, run: claim }), undefined);
    steps = Math.max(steps, lambda.steps);
    const isBound = (await rig.table.get(thingName)) !== undefined;
    const owner = isBound ? [`devicelink-owner-${thingName}`] : [];
    assert.deepEqual(rightsOf(thingName, user).owner, owner, `claimed before step ${step}`);
  }
  assert.ok(steps >= 5);
});

test("of many who claim a camera at the same time exactly one gets it", async () => {
  const thingName = camera();
  const people = Array.from({ length: 8 }, identity);
  const codes = await Promise.all(people.map((user) => new Lambda().run(user, { action: "claim", thingName })));
  const winner = people[codes.indexOf(undefined)];
  assert.equal(codes.filter((code) => code === "NotYours").length, 7);
  assert.equal((await rig.table.get(thingName))?.user, winner);
  for (const user of people)
    assert.deepEqual(rightsOf(thingName, user).owner, user === winner ? [`devicelink-owner-${thingName}`] : []);
});

test("nine cameras are the most, and a claim too many leaves nothing behind", async () => {
  const user = identity();
  rig.cloud.registry.attachPolicy("devicelink-phone", user);
  const lambda = new Lambda();
  const things = Array.from({ length: mostCameras }, camera);
  for (const thingName of things) assert.equal(await lambda.run(user, { action: "claim", thingName }), undefined);
  const thingName = camera();
  assert.equal(await lambda.run(user, { action: "claim", thingName }), "TooManyCameras");
  assert.equal(await rig.table.get(thingName), undefined);
  assert.equal(await lambda.run(user, { action: "claim", thingName: things[3] }), undefined, "one's own, again");
  // The index of the table may be a second behind; then AWS's own limit is the one that counts.
  assert.equal(await new Lambda({ stale: true }).run(user, { action: "claim", thingName }), "TooManyCameras");
  assert.equal(await rig.table.get(thingName), undefined);
  assert.equal(rightsOf(thingName, user).owner.length, 10);
  assert.equal(await lambda.run(identity(), { action: "claim", thingName }), undefined, "free for others");
});
