import { BadRequestError } from "../../certs/local-ca.ts";
import type { IotCore } from "./iot-core.ts";
import type { Provisioning } from "./provisioning.ts";
import { TemplateError } from "./provisioning-template.ts";
import { RegistryError } from "./registry-error.ts";

/**
 * The device provisioning MQTT API (IoT guide, same title): a request on its topic is answered on `.../accepted` or `.../rejected`, to
 * the client that asked and to nobody else. JSON only; CreateKeysAndCertificate is left out on purpose: a camera makes its own key.
 */
export class FleetProvisioningAPI {
  #iot: IotCore;
  #provisioning: Provisioning;

  constructor(iot: IotCore, provisioning: Provisioning) {
    this.#iot = iot;
    this.#provisioning = provisioning;
    iot.on("publish", ({ clientId, topic, payload }) => {
      const operation = clientId === undefined ? undefined : this.#operation(topic, clientId);
      if (clientId !== undefined && operation) void this.#answer(clientId, topic, payload, operation);
    });
  }

  #operation(topic: string, clientId: string): ((request: Record<string, unknown>) => unknown) | undefined {
    if (topic === "$aws/certificates/create-from-csr/json")
      return ({ certificateSigningRequest: csr }) => this.#provisioning.createCertificate(String(csr ?? ""));
    const template = /^\$aws\/provisioning-templates\/([^/]+)\/provision\/json$/.exec(topic)?.[1];
    if (template === undefined) return undefined;
    return ({ certificateOwnershipToken: token, parameters }) =>
      this.#provisioning.registerThing({
        templateName: template,
        token,
        parameters: (parameters ?? {}) as Record<string, string>,
        clientId,
        claimCertificateId: this.#iot.certificateOf(clientId),
      });
  }

  async #answer(
    clientId: string,
    topic: string,
    payload: Buffer,
    operation: (request: Record<string, unknown>) => unknown,
  ): Promise<void> {
    try {
      const answer = await operation(parse(payload));
      this.#iot.answer(clientId, `${topic}/accepted`, JSON.stringify(answer));
    } catch (error) {
      this.#iot.answer(clientId, `${topic}/rejected`, JSON.stringify(rejection(error)));
    }
  }
}

function parse(payload: Buffer): Record<string, unknown> {
  try {
    const value = JSON.parse(payload.toString());
    if (typeof value === "object" && value !== null) return value;
  } catch {
    // Said below.
  }
  throw new RegistryError("InvalidRequestException", "InvalidPayload");
}

/** The shape that all operations have: `{statusCode, errorCode, errorMessage}`. */
function rejection(error: unknown): object {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof BadRequestError)
    return { statusCode: 400, errorCode: "InvalidCertificateSigningRequest", errorMessage: message };
  if (error instanceof TemplateError) return { statusCode: 400, errorCode: "InvalidParameters", errorMessage: message };
  if (!(error instanceof RegistryError))
    return { statusCode: 500, errorCode: "InternalError", errorMessage: "Internal failure" };
  const errorCode = /^[A-Z]\w+$/.test(message) ? message : error.name.replace(/Exception$/, "");
  return { statusCode: error.status, errorCode, errorMessage: message };
}
