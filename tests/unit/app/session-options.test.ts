import { ProvisioningSessionOptions, type SessionHost, SessionOptions } from "../../../modules/app/session-options";
import { CloudError } from "../../../modules/cloud/cloud-error";
import type { FleetProvisioning } from "../../../modules/cloud/fleet-provisioning";
import type { MessageStream } from "../../../modules/cloud/message-reader";
import { amazonRoots } from "../../../modules/network/roots";
import { TLSSocket } from "../../../modules/network/tls-socket";
import type { Identity } from "../../../modules/storage/identity-store";
import { equal, test } from "../harness";

const identity: Identity = { thingName: "porch", endpoint: ["a.example", "b.example"], certificate: "c", key: "k" };
const payload = new ArrayBuffer(3);
const stream = { byteLength: 3 } as unknown as MessageStream;

/** Keeps what it is told. */
class Host {
  told: unknown[] = [];
  board = { MQTTClient: { mqtt: 1 }, Resolver: { dns: 1 }, TCP: { tcp: 1 } };
  clock = { isSet: true };
  identities = { isNewcomer: false, goodEndpoint: "b.example", inUse: undefined as Identity | undefined };
  settings = { get: (name: string) => (name === "keepAlive" ? 77 : 0) };
  commands = {
    isBusy: false,
    receive: (it: ArrayBuffer, retain: boolean) => this.told.push(["command", it.byteLength, retain]),
  };
  deliveries = {
    isPoisoned: false,
    expect: () => this.told.push("expect"),
    wasAnswer: () => this.told.push("answer"),
    dropped: () => this.told.push("dropped"),
  };
  device = { uploads: { receiveGrant: (it: ArrayBuffer) => this.told.push(["grant", it.byteLength]) } };
  shadow = this.follower("shadow");
  jobs = this.follower("jobs");

  private follower(name: string) {
    return {
      open: (topic: string) => (topic.includes(name) ? ({ name } as unknown as MessageStream) : undefined),
      receive: (topic: string) => this.told.push([name, topic]),
      sessionFailed: ({ code }: CloudError) => this.told.push([name, code]),
    };
  }

  sessionChanged(state: string, error?: CloudError): void {
    this.told.push([state, error?.code]);
  }

  sessionDropped(): void {
    this.told.push("session dropped");
  }

  log(line: string): void {
    this.told.push(line);
  }
}

function setUp(change: (host: Host) => void = () => {}) {
  const host = new Host();
  change(host);
  return { host, options: new SessionOptions(host as unknown as SessionHost, identity) };
}

test("the session is that of the identity, with the settings and the board's classes", () => {
  const { options, host } = setUp();
  equal([options.clientId, options.endpoint], ["porch", ["a.example", "b.example"]]);
  equal([options.keepAlive, options.preferredEndpoint], [77, "b.example"]);
  equal([options.mqtt.io, options.dns.io] as unknown, [host.board.MQTTClient, host.board.Resolver]);
  equal(options.will, { topic: "device/porch/telemetry", message: '{"state":"offline"}', QoS: 1 });
});

test("each connection is made with the certificate, key and roots that are stored then", () => {
  const { options, host } = setUp();
  equal(options.socket.io === (TLSSocket as unknown), true);
  equal(options.socket.bufferLength, 512);
  equal(options.socket.TCP as unknown, { io: host.board.TCP });
  equal(options.socket.secure as unknown, {
    roots: amazonRoots,
    certificate: undefined,
    key: undefined,
    clock: host.clock,
  });
  host.identities.inUse = { ...identity, certificate: "next", key: "its key", rootCA: "its root" };
  equal(options.socket.secure as unknown, {
    roots: ["its root"],
    certificate: "next",
    key: "its key",
    clock: host.clock,
  });
});

test("nothing is admitted while a command is carried out; what is admitted is expected first", () => {
  const { options, host } = setUp();
  host.commands.isBusy = true;
  equal(options.admitMessage(), false);
  equal(host.told, []);
  host.commands.isBusy = false;
  equal(options.admitMessage(), true);
  equal(host.told, ["expect"]);
});

test("a message goes to whom its topic names, and to nobody else", () => {
  const { options, host } = setUp();
  const cases: [topic: string, withStream: boolean, expected: unknown[]][] = [
    ["device/porch/commands", false, [["command", 3, true]]],
    ["device/porch/uploads/grant", false, [["grant", 3]]],
    ["device/other/commands", false, []],
    ["device/porch/answers", false, []],
    [
      "$aws/things/porch/shadow/update/delta",
      true,
      [
        ["shadow", "$aws/things/porch/shadow/update/delta"],
        ["jobs", "$aws/things/porch/shadow/update/delta"],
      ],
    ],
  ];
  for (const [topic, withStream, expected] of cases) {
    host.told = [];
    options.onMessage({ topic, payload, retain: true, stream: withStream ? stream : undefined } as never);
    equal(host.told, expected, topic);
  }
});

test("only what AWS IoT says to a request of the camera's is an answer", () => {
  const { options, host } = setUp();
  for (const [topic, isAnswer] of [
    ["$aws/things/porch/shadow/get/accepted", true],
    ["$aws/things/porch/jobs/start-next/rejected", true],
    ["$aws/things/porch/shadow/update/delta", false],
    ["device/porch/accepted", false],
    ["device/porch/rejected", false],
  ] as const) {
    host.told = [];
    options.onMessage({ topic, payload, retain: false } as never);
    equal(host.told, isAnswer ? ["answer"] : [], topic);
  }
});

test("a long message is read by the shadow, or else by the jobs", () => {
  const { options } = setUp();
  const nameOf = (topic: string) => (options.openStream(topic) as unknown as { name: string } | undefined)?.name;
  equal([nameOf("x/shadow"), nameOf("x/jobs"), nameOf("device/porch/commands")], ["shadow", "jobs", undefined]);
});

test("what the broker keeps is dropped once for a newcomer, which is nobody's fault", () => {
  const { options, host } = setUp((it) => {
    it.identities.isNewcomer = true;
  });
  host.identities.isNewcomer = false;
  equal(options.mustDropSession(), true, "it was one when the session began");
  options.onSessionDropped();
  equal(options.mustDropSession(), false);
  equal(host.told, [], "nobody is told");
});

test("what the broker keeps is dropped while it ends the machine, and that is told", () => {
  const { options, host } = setUp();
  equal(options.mustDropSession(), false);
  host.deliveries.isPoisoned = true;
  equal(options.mustDropSession(), true);
  options.onSessionDropped();
  equal(host.told, ["session dropped"]);
  equal(options.mustDropSession(), true, "the watch says when it is over");
});

test("states and errors are passed on; a message that was too large is none that came", () => {
  const { options, host } = setUp();
  options.onStateChanged("connected");
  options.onStateChanged("waiting" as never, new CloudError("AckTimeout", "too late"));
  equal(host.told, [
    ["connected", undefined],
    ["waiting", "AckTimeout"],
  ]);
  host.told = [];
  options.onError(new CloudError("AckTimeout", "too late"));
  equal(host.told, ["cloud: AckTimeout too late", ["shadow", "AckTimeout"], ["jobs", "AckTimeout"]]);
  host.told = [];
  options.onError(new CloudError("MessageTooLarge", "5000 bytes"));
  equal(host.told[1], "dropped");
});

test("a session that fetches an identity has no will, drops nothing, and speaks with the provisioning alone", () => {
  const { host } = setUp((it) => {
    it.identities.isNewcomer = true;
    it.deliveries.isPoisoned = true;
    it.commands.isBusy = true;
  });
  const heard: unknown[] = [];
  const provisioning = {
    onStateChanged: (state: string, error?: CloudError) => heard.push([state, error?.code]),
    onMessage: ({ topic }: { topic: string }) => heard.push(topic),
  } as unknown as FleetProvisioning;
  const options = new ProvisioningSessionOptions(host as unknown as SessionHost, identity, provisioning);
  equal([options.will, options.mustDropSession(), options.admitMessage()], [undefined, false, true]);
  equal(options.openStream(), undefined);
  options.onStateChanged("waiting" as never, new CloudError("AckTimeout", "too late"));
  options.onMessage({ topic: "device/porch/commands", payload, retain: false } as never);
  equal(heard, [["waiting", "AckTimeout"], "device/porch/commands"]);
  equal(host.told, [], "the camera hears nothing of it");
});
