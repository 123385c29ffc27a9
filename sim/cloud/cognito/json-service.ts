import type { IncomingMessage, ServerResponse } from "node:http";
import { readBody } from "../json-api.ts";
import { RegistryError } from "../registry-error.ts";
import { CognitoError } from "./errors.ts";
import { Input } from "./input.ts";

export interface JsonServiceOptions {
  /** In front of the operation in X-Amz-Target. */
  target: string;
  /** @throws CognitoError, RegistryError */
  call(operation: string, input: Input, request: IncomingMessage, body: Buffer): object | Promise<object>;
  /** What else is at this address. @returns undefined if there is nothing */
  get?(path: string): object | undefined;
  /** After each call. */
  onCall?(call: { operation: string; status: number; error?: string }): void;
}

const maximumBody = 128 * 1024;

/** AWS's JSON 1.1 protocol: POST on /, the operation in X-Amz-Target, errors as `__type`. */
export class JsonService {
  readonly #options: JsonServiceOptions;

  constructor(options: JsonServiceOptions) {
    this.#options = options;
  }

  /** One request, whoever has listened for it. */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? "/").replace(/\?.*/, "");
    const document = request.method === "GET" ? this.#options.get?.(path) : undefined;
    if (document) {
      send(response, 200, document, "application/json");
      return;
    }
    const name = { operation: "?" };
    try {
      send(response, 200, await this.#call(request, name));
      this.#options.onCall?.({ operation: name.operation, status: 200 });
    } catch (error) {
      const known = error instanceof CognitoError || error instanceof RegistryError ? error : failure(error);
      sendError(response, known);
      this.#options.onCall?.({ operation: name.operation, status: known.status, error: known.name });
    }
  }

  async #call(request: IncomingMessage, name: { operation: string }): Promise<object> {
    const body = await readBody(request, maximumBody, tooLarge);
    const [service, operation] = String(request.headers["x-amz-target"] ?? "").split(".");
    if (request.method !== "POST" || service !== this.#options.target || !/^\w+$/.test(operation ?? ""))
      throw new CognitoError("UnknownOperationException", "");
    name.operation = operation;
    return this.#options.call(operation, parse(body), request, body);
  }
}

function parse(body: Buffer): Input {
  try {
    const value = JSON.parse(body.toString() || "{}");
    if (value && typeof value === "object" && !Array.isArray(value)) return new Input(value);
  } catch {
    // Said below.
  }
  throw new CognitoError("SerializationException", "The request body is not a JSON object");
}

const tooLarge = () => new CognitoError("SerializationException", "The request body is too large");

function failure(error: unknown): CognitoError {
  console.error(error);
  return new CognitoError("InternalErrorException", "Internal error");
}

function send(response: ServerResponse, status: number, answer: object, type = "application/x-amz-json-1.1"): void {
  const body = JSON.stringify(answer);
  response.writeHead(status, {
    "content-type": type,
    "content-length": Buffer.byteLength(body),
    "x-amzn-requestid": crypto.randomUUID(),
  });
  response.end(body);
}

function sendError(response: ServerResponse, { name, message, status }: CognitoError | RegistryError): void {
  response.setHeader("x-amzn-errortype", `${name}:`);
  // Some texts repeat what the caller has sent.
  if (/^[\x20-\x7e]*$/.test(message)) response.setHeader("x-amzn-errormessage", message);
  send(response, status, { __type: name, message });
}
