import type { IncomingMessage, ServerResponse } from "node:http";
import type { KeySource } from "./credentials.ts";
import { JsonApi, type JsonApiOptions, respond } from "./json-api.ts";
import { RegistryError } from "./registry-error.ts";

export interface ApiPlaneOptions extends JsonApiOptions {
  /** Who may call. */
  credentials: KeySource;
  /** After each call. */
  onCall?(call: { operation: string; status: number; error?: string }): void;
}

/** What a caller is told of a failure. */
export interface Failure {
  status: number;
  /** The exception's name in the API model. */
  name: string;
  message: string;
  fields?: object;
}

/** One of AWS IoT's APIs: REST with JSON, on an HTTPS port of its own, and for whoever listens on its behalf. */
export abstract class ApiPlane<Options extends ApiPlaneOptions> {
  protected readonly options: Options;
  #api!: JsonApi;

  protected constructor(options: Options) {
    this.options = options;
  }

  /** @param upgrade takes WebSockets */
  protected async open(upgrade?: Parameters<typeof JsonApi.listen>[2]): Promise<this> {
    this.#api = await JsonApi.listen(this.options, (request, response) => this.handle(request, response), upgrade);
    return this;
  }

  get port(): number {
    return this.#api.port;
  }

  get url(): string {
    return this.#api.url;
  }

  close(): Promise<void> {
    return this.#api.close();
  }

  /** One request, whoever has listened for it. */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const said = { operation: "?" };
    try {
      respond(response, 200, await this.answer(request, said));
      this.options.onCall?.({ ...said, status: 200 });
    } catch (error) {
      const { status, name, message, fields } = this.describe(error);
      respond(response, status, { message, ...fields }, name);
      this.options.onCall?.({ ...said, status, error: name });
    }
  }

  /** @param said gets the operation's name as soon as it is known */
  protected abstract answer(request: IncomingMessage, said: { operation: string }): Promise<object>;

  /** Errors of other kinds than RegistryError are told here by who throws them. */
  protected describe(error: unknown): Failure {
    if (error instanceof RegistryError) return error;
    console.error(error);
    return new RegistryError("InternalFailureException", "Internal failure");
  }
}

/** @throws what `fault` makes when the body is neither empty nor a JSON object */
export function parseObject(body: Buffer, fault: (message: string) => Error): Record<string, unknown> {
  if (!body.length) return {};
  try {
    const value = JSON.parse(body.toString());
    if (value && typeof value === "object") return value;
  } catch {
    // Said below.
  }
  throw fault("the request body is not a JSON object");
}
