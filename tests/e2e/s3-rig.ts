/** A store and ways to talk to it, for the tests of the store and of uploads. */
import { mkdtemp, rm } from "node:fs/promises";
import { Agent, type RequestOptions, request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PutObjectCommand, type PutObjectCommandInput, S3Client } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { LocalCA } from "../../certs/local-ca.ts";
import { type AccessKey, CredentialStore } from "../../sim/cloud/credentials.ts";
import { type RequestRecord, S3Server, type S3ServerOptions } from "../../sim/cloud/s3/server.ts";

export const accessKey: AccessKey = {
  accessKeyId: "AKIDEXAMPLE",
  secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
  principal: { type: "administrator" },
};

/** The longest token that AWS gives is longer than that of sim/cloud. */
export const longTokenKey: AccessKey = {
  accessKeyId: "ASIAEXAMPLE",
  secretAccessKey: "s",
  sessionToken: "AbCd0/+=".repeat(190),
  principal: { type: "role", roleName: "example" },
};

/** What a client signs with. */
export type ClientKey = Omit<AccessKey, "principal">;
export const region = "eu-central-1";
export const bucket = "photos";

let authority: Promise<LocalCA> | undefined;
/** One authority for all: making keys takes time. */
export function testCA(): Promise<LocalCA> {
  authority ??= LocalCA.create({ name: "Test CA" });
  return authority;
}

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
  /** The error document's `<Code>`. */
  code: string | undefined;
  /** 100 Continue was received. */
  continued: boolean;
}

export interface PutOptions {
  method?: string;
  headers?: Record<string, string | number>;
  /** Do not send a length of its own accord. */
  raw?: boolean;
}

export class S3Rig {
  readonly server: S3Server;
  readonly directory: string;
  readonly ca: LocalCA;
  readonly credentials: CredentialStore;
  /** All requests so far, in the order of their ends. */
  readonly requests: RequestRecord[] = [];
  readonly agent: Agent;
  readonly #clients: S3Client[] = [];
  #removes: boolean;

  static async open(options: Partial<Omit<S3ServerOptions, "credentials">> = {}): Promise<S3Rig> {
    const ca = options.ca ?? (await testCA());
    const directory = options.directory ?? (await mkdtemp(join(tmpdir(), "devicelink-s3-")));
    const credentials = new CredentialStore({ keys: [accessKey, longTokenKey] });
    const server = await S3Server.listen({
      credentials,
      region,
      buckets: [bucket],
      ...options,
      ca,
      directory,
    });
    return new S3Rig(server, directory, ca, credentials, options.directory === undefined);
  }

  private constructor(
    server: S3Server,
    directory: string,
    ca: LocalCA,
    credentials: CredentialStore,
    removes: boolean,
  ) {
    this.credentials = credentials;
    this.server = server;
    this.directory = directory;
    this.ca = ca;
    this.#removes = removes;
    this.agent = new Agent({ ca: ca.certPem, lookup: lookUpLoopback } as ConstructorParameters<typeof Agent>[0]);
    server.on("request", (record) => this.requests.push(record));
  }

  /** The SDK's client as it is, but for the endpoint and whom to trust. */
  client(
    options: { key?: ClientKey; virtualHosted?: boolean; region?: string; checksums?: "WHEN_REQUIRED" } = {},
  ): S3Client {
    const client = new S3Client({
      endpoint: this.server.url,
      region: options.region ?? region,
      forcePathStyle: !options.virtualHosted,
      credentials: options.key ?? accessKey,
      requestChecksumCalculation: options.checksums,
      requestHandler: { httpsAgent: this.agent },
      maxAttempts: 1,
    });
    this.#clients.push(client);
    return client;
  }

  /** A URL as a phone makes it. Without WHEN_REQUIRED the SDK would sign the checksum of an empty body into it. */
  presign(
    key: string,
    options: Partial<PutObjectCommandInput> &
      Parameters<S3Rig["client"]>[0] & { expiresIn?: number; signedAt?: Date; unhoistable?: string[] } = {},
  ): Promise<string> {
    const { key: accessKey, virtualHosted, region, expiresIn = 300, signedAt, unhoistable, ...input } = options;
    const client = this.client({ key: accessKey, virtualHosted, region, checksums: "WHEN_REQUIRED" });
    return getSignedUrl(client, new PutObjectCommand({ Bucket: bucket, Key: key, ...input }), {
      expiresIn,
      signingDate: signedAt,
      // The SDK has a content type of its own in the request, which is signed only if it is asked to.
      signableHeaders: new Set(input.ContentType ? ["content-type"] : []),
      unhoistableHeaders: new Set(unhoistable),
    });
  }

  send(
    url: string,
    body: string | Buffer = "",
    { method = "PUT", headers = {}, raw = false }: PutOptions = {},
  ): Promise<Answer> {
    const length = raw ? {} : { "Content-Length": Buffer.byteLength(body) };
    const options: RequestOptions = { method, agent: this.agent, headers: { ...length, ...headers } };
    return new Promise((resolve, reject) => {
      let continued = false;
      const outgoing = request(url, options, (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (part) => {
          text += part;
        });
        response.on("end", () => {
          const code = /<Code>(.*?)<\/Code>/.exec(text)?.[1];
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text, code, continued });
        });
        response.on("error", reject);
      });
      outgoing.on("error", reject).setTimeout(10_000, () => outgoing.destroy(new Error("no answer in 10 s")));
      outgoing.on("continue", () => {
        continued = true;
        outgoing.end(body);
      });
      if (headers["Expect"]) outgoing.flushHeaders();
      else outgoing.end(body);
    });
  }

  path(key: string): string {
    return join(this.directory, bucket, key);
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.destroy();
    this.agent.destroy();
    await this.server.close();
    if (this.#removes) await rm(this.directory, { recursive: true, force: true });
  }
}

/** Names below localhost are loopback (RFC 6761), which not every system's resolver knows. */
function lookUpLoopback(
  _host: string,
  options: { all?: boolean },
  done: (error: null, address: unknown, family?: number) => void,
): void {
  if (options.all) done(null, [{ address: "127.0.0.1", family: 4 }]);
  else done(null, "127.0.0.1", 4);
}
