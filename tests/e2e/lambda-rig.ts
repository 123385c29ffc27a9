/** A function as it is deployed: bundled, in a Node of its own, with the AWS SDK's clients speaking to a server that notes what they say. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { LocalCA } from "../../certs/local-ca.ts";

const top = fileURLToPath(new URL("../..", import.meta.url));

export interface Call {
  path: string;
  /** Of DynamoDB's protocol: version and operation. */
  target?: string;
  authorization: string;
  body: string;
}

export interface LambdaRigOptions {
  /** The handler's file, from the top of the project. */
  handler: string;
  /** Whose certificate the server has, and whom the function trusts. */
  ca?: LocalCA;
  /** DynamoDB's answer: status and body. */
  table(operation: string, request: object): [status: number, answer: object];
}

export class LambdaRig {
  /** Of the last run, in order. */
  calls: Call[] = [];
  #directory: string;
  #server: Server;
  #table: LambdaRigOptions["table"];

  private constructor(directory: string, server: Server, table: LambdaRigOptions["table"]) {
    this.#directory = directory;
    this.#server = server;
    this.#table = table;
    server.on("request", (request, response) => this.#serve(request, response));
  }

  static async open({ handler, ca: given, table }: LambdaRigOptions): Promise<LambdaRig> {
    const directory = await mkdtemp(join(tmpdir(), "devicelink-lambda-"));
    const ca = given ?? (await LocalCA.create());
    const { keyPem: key, chainPem: cert } = await ca.issueServer({ names: ["localhost"] });
    await writeFile(join(directory, "ca.pem"), ca.certPem);
    const server = createServer({ key, cert }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const bundle = ["--bundle", "--platform=node", "--target=node20", "--format=cjs"];
    await run(join(top, "node_modules/.bin/esbuild"), [
      handler,
      ...bundle,
      `--outfile=${join(directory, "handler.js")}`,
    ]);
    return new LambdaRig(directory, server, table);
  }

  /** `host:port` of the server. */
  get endpoint(): string {
    return `localhost:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Runs the function once, with the environment that Lambda gives it. @returns what it logs */
  invoke(event: object, env: Record<string, string> = {}): Promise<string> {
    this.calls = [];
    const script = `require(${JSON.stringify(join(this.#directory, "handler.js"))}).handler(${JSON.stringify(event)})`;
    return run(process.execPath, ["-e", script], {
      AWS_REGION: "eu-west-1",
      AWS_ACCESS_KEY_ID: "ASIAEXAMPLE",
      AWS_SECRET_ACCESS_KEY: "secret",
      AWS_SESSION_TOKEN: "token",
      AWS_ENDPOINT_URL_DYNAMODB: `https://${this.endpoint}`,
      NODE_EXTRA_CA_CERTS: join(this.#directory, "ca.pem"),
      IOT_ENDPOINT: this.endpoint,
      ...env,
    });
  }

  async close(): Promise<void> {
    this.#server.close();
    await rm(this.#directory, { recursive: true, force: true });
  }

  /** DynamoDB and IoT's Publish, by their wire formats. */
  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = (await request.toArray()).join("");
    const { authorization = "", "x-amz-target": target } = request.headers as Record<string, string | undefined>;
    this.calls.push({ path: request.url ?? "", target, authorization, body });
    const operation = target?.replace(/^.*\./, "");
    const [status, answer] = operation ? this.#table(operation, JSON.parse(body)) : [200, {}];
    response.writeHead(status, { "Content-Type": operation ? "application/x-amz-json-1.0" : "application/json" });
    response.end(JSON.stringify(answer));
  }
}

function run(command: string, args: string[], env: Record<string, string> = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: top, env: { PATH: process.env.PATH, ...env } });
    let [out, errors] = ["", ""];
    child.stdout.on("data", (data) => (out += data));
    child.stderr.on("data", (data) => (errors += data));
    child.on("error", reject);
    child.on("close", (code) => (code ? reject(new Error(`exit code ${code}: ${errors}`)) : resolve(out)));
  });
}
