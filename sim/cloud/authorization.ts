import type { Principal } from "./credentials.ts";
import { isAllowed } from "./policy.ts";
import type { Registry } from "./registry.ts";
import { RegistryError } from "./registry-error.ts";
import type { PhoneRole } from "./role-policy.ts";
import type { S3ActionRequest } from "./s3/actions.ts";

export interface AuthorizationOptions {
  role: PhoneRole;
  registry: Registry;
  partition?: string;
}

/**
 * What the services ask before they do anything. The administrator may do everything; so may functions here, whose roles are in
 * template.yaml. People have the rights of their role, and on IoT's data plane only so far as the IoT policies of their identity go along
 * (IoT guide, "Authorization with Amazon Cognito identities").
 */
export class Authorization {
  readonly #role: PhoneRole;
  readonly #registry: Registry;
  readonly #partition: string;

  constructor({ role, registry, partition = "aws" }: AuthorizationOptions) {
    this.#role = role;
    this.#registry = registry;
    this.#partition = partition;
  }

  /** @returns why S3 does not do it */
  readonly s3Objection = ({ principal, action, bucket, key, query }: S3ActionRequest): string | undefined => {
    if (principal.type !== "identity") return undefined;
    const { identityId } = principal;
    const resource = `arn:${this.#partition}:s3:::${bucket || "*"}${key && `/${key}`}`;
    const parameter = (name: string) => query.get(name) ?? undefined;
    const context =
      action === "s3:ListBucket"
        ? {
            "s3:prefix": parameter("prefix"),
            "s3:delimiter": parameter("delimiter"),
            "s3:max-keys": parameter("max-keys"),
          }
        : {};
    return this.#role.objection({ action, resource, identityId, context }, '"');
  };

  /**
   * Of IoT's control plane: the role alone decides.
   *
   * @param action without its prefix `iot:`
   * @throws RegistryError AccessDeniedException
   */
  checkControl(principal: Principal, action: string, resource: string): void {
    if (principal.type !== "identity") return;
    const { identityId } = principal;
    const objection = this.#role.objection({ action: `iot:${action}`, resource, identityId });
    if (objection) throw new RegistryError("AccessDeniedException", objection);
  }

  /**
   * Of IoT's data plane, over HTTPS and as MQTT.
   *
   * @param action without its prefix `iot:`
   * @param resource without the ARN's beginning: `thing/camera-1`
   * @param context further condition keys and policy variables, of the connection
   */
  mayUseData(
    principal: Principal,
    action: string,
    resource: string,
    context: Record<string, string | undefined> = {},
  ): boolean {
    if (principal.type !== "identity") return true;
    const { identityId } = principal;
    const request = { action: `iot:${action}`, resource: this.#registry.arn(resource) };
    const documents = this.#registry.policiesOf(identityId).map((name) => this.#registry.policy(name).policyDocument);
    const variables = { ...context, "cognito-identity.amazonaws.com:sub": identityId };
    const isRoleAllowed = () => this.#role.isRoleAllowed({ ...request, identityId, context });
    return isAllowed(documents, { ...request, variables }) && isRoleAllowed();
  }
}
