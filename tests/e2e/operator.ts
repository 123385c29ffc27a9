/** Somebody who may talk to all cameras over MQTT, such as the owner's back end. */
import { readFile } from "node:fs/promises";
import "reflect-metadata";
import { AttachPolicyCommand, CreatePolicyCommand, IoTClient } from "@aws-sdk/client-iot";
import { Pkcs10CertificateRequestGenerator } from "@peculiar/x509";
import { connect, type MqttClient } from "mqtt";
import { exportPrivateKey, generateKeyPair } from "../../certs/certificates.ts";
import { AwsRegistrar } from "../../sim/phone/aws.ts";
import type { CloudAddresses } from "../../sim/start/processes.ts";

export type Message = Record<string, unknown>;

const topics = ["answers", "telemetry", "photos"] as const;

/** A thing of its own with a policy of its own, made with the AWS SDK, that listens to one camera. */
export class Operator {
  /** Messages of the camera. */
  readonly heard: Record<(typeof topics)[number], Message[]> = { answers: [], telemetry: [], photos: [] };
  readonly iot: IoTClient;
  readonly thingName: string;
  readonly client: MqttClient;
  #tokens = 0;

  private constructor(iot: IoTClient, client: MqttClient, thingName: string) {
    this.iot = iot;
    this.client = client;
    this.thingName = thingName;
    client.on("message", (topic, payload) => {
      const name = topic.split("/").at(-1) as (typeof topics)[number];
      this.heard[name]?.push(JSON.parse(payload.toString()));
    });
  }

  static async connect(cloud: CloudAddresses, thingName: string, clientId = "operator"): Promise<Operator> {
    const rootCA = await readFile(cloud.rootCA, "utf8");
    const credentials = JSON.parse(await readFile(cloud.credentials, "utf8"));
    const settings = { region: cloud.region, credentials, requestHandler: { httpsAgent: { ca: rootCA } } };
    const iot = new IoTClient({ ...settings, endpoint: cloud.api.url });
    const { key, certPem } = await identityOf(iot, clientId, new AwsRegistrar({ cloud, rootCA }));
    const client = connect({
      host: "localhost",
      port: cloud.mqtt.port,
      protocol: "mqtts",
      ca: rootCA,
      cert: certPem,
      key,
      clientId,
      reconnectPeriod: 0,
    });
    await new Promise((resolve, reject) => client.once("connect", resolve).once("error", reject));
    const operator = new Operator(iot, client, thingName);
    await client.subscribeAsync(topics.map((name) => `device/${thingName}/${name}`));
    return operator;
  }

  /** Sends a command and waits for its answer, `limit` milliseconds at most. */
  async ask(message: object, limit?: number): Promise<Message> {
    this.#tokens += 1;
    const clientToken = `${this.client.options.clientId}-${this.#tokens}`;
    const command = JSON.stringify({ ...message, clientToken });
    await this.client.publishAsync(`device/${this.thingName}/commands`, command, { qos: 1 });
    return until("answer", () => this.heard.answers.find((answer) => answer.clientToken === clientToken), limit);
  }

  /** Asks again and again, because a camera that is changing its identity is away for a while, until the answer fits. */
  async persist(message: object, fits: (answer: Message) => boolean, limit = 60_000): Promise<Message> {
    for (const deadline = Date.now() + limit; ; ) {
      const answer = await this.ask(message, 3000).catch((error: Error): Message => ({ error: error.message }));
      if (fits(answer)) return answer;
      if (Date.now() > deadline) throw new Error(`not within ${limit} ms: ${JSON.stringify(answer)}`);
    }
  }

  async close(): Promise<void> {
    await this.client.endAsync();
  }
}

async function identityOf(iot: IoTClient, thingName: string, registrar: AwsRegistrar) {
  const keys = await generateKeyPair();
  const signingAlgorithm = { name: "ECDSA", hash: "SHA-256" };
  const request = await Pkcs10CertificateRequestGenerator.create({ name: `CN=${thingName}`, keys, signingAlgorithm });
  const { certPem, certificateArn } = await registrar.registerThing({ thingName, csrPem: request.toString("pem") });
  const allow = (Action: string, kind: string) => ({
    Effect: "Allow",
    Action,
    Resource: `arn:aws:iot:*:*:${kind}/device/*`,
  });
  const Statement = [
    allow("iot:Publish", "topic"),
    allow("iot:RetainPublish", "topic"),
    allow("iot:Receive", "topic"),
    allow("iot:Subscribe", "topicfilter"),
  ];
  const policyDocument = JSON.stringify({ Version: "2012-10-17", Statement });
  await iot.send(new CreatePolicyCommand({ policyName: thingName, policyDocument }));
  await iot.send(new AttachPolicyCommand({ policyName: thingName, target: certificateArn }));
  return { certPem, key: await exportPrivateKey(keys.privateKey) };
}

export async function until<T>(what: string, look: () => T | undefined, limit = 20_000): Promise<T> {
  for (const deadline = Date.now() + limit; ; await new Promise((resolve) => setTimeout(resolve, 50))) {
    const found = look();
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`no ${what} within ${limit} ms`);
  }
}
