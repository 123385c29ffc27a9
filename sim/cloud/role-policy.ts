import { readFileSync } from "node:fs";
import { type Decision, decide } from "./policy.ts";

/** What somebody who has signed in wants to do. */
export interface RoleRequest {
  /** `s3:PutObject`, `iot:Publish` */
  action: string;
  /**
   * ARN; `*` for an action that has no resource. That of iot:AttachPolicy is the *target*, which for an identity is its plain id, and
   * never the policy: IAM cannot tell which policy somebody attaches (README.md of bindings/).
   */
  resource: string;
  identityId: string;
  /** The region whose endpoint is asked; default: the only one that there is here. */
  region?: string;
  /** Further condition keys and policy variables: `s3:prefix`, `iot:ClientId`, ... */
  context?: Record<string, string | string[] | undefined>;
}

export interface RoleOptions {
  region: string;
  accountId: string;
  /** Of the pictures. */
  bucket: string;
  partition?: string;
  /** JSON with placeholders; default: phone-role-policy.json. */
  document?: string;
}

/** The role that everybody who has signed in takes on. */
export const roleName = "devicelink-phone";

/**
 * The role of the identity pool's people, as IAM evaluates it: one policy for all of them, made one's own by
 * `${cognito-identity.amazonaws.com:sub}`. AWS gets the same document from template.yaml.
 */
export class PhoneRole {
  readonly #document: string;
  readonly #user: string;
  readonly #region: string;

  constructor({ document = readRolePolicy(), partition = "aws", ...names }: RoleOptions) {
    const { region, accountId, bucket } = names;
    this.#region = region;
    this.#document = document
      .replaceAll("arn:PARTITION:iot:REGION:ACCOUNT:", `arn:${partition}:iot:${region}:${accountId}:`)
      .replaceAll("arn:PARTITION:s3:::BUCKET", `arn:${partition}:s3:::${bucket}`)
      .replaceAll("arn:PARTITION:iot:*:*:", `arn:${partition}:iot:*:*:`)
      .replace(/("aws:RequestedRegion"\s*:\s*)"REGION"/g, `$1"${region}"`);
    this.#user = `arn:${partition}:sts::${accountId}:assumed-role/${roleName}/CognitoIdentityCredentials`;
  }

  /** May be handed around as a function. */
  readonly isRoleAllowed = (request: RoleRequest): boolean => this.#decide(request) === "allowed";

  /**
   * Why the role does not allow it, in AWS's words; undefined when it does.
   *
   * @param quote S3 has the resource in quotation marks, other services do not
   */
  objection(request: RoleRequest, quote = ""): string | undefined {
    const decision = this.#decide(request);
    if (decision === "allowed") return undefined;
    const { action, resource } = request;
    const because =
      decision === "explicitDeny"
        ? "with an explicit deny in an identity-based policy"
        : `because no identity-based policy allows the ${action} action`;
    return `User: ${this.#user} is not authorized to perform: ${action} on resource: ${quote}${resource}${quote} ${because}`;
  }

  #decide({ action, resource, identityId, context, region = this.#region }: RoleRequest): Decision {
    const own = { "cognito-identity.amazonaws.com:sub": identityId, "aws:RequestedRegion": region };
    const variables = { ...context, ...own };
    return decide([this.#document], { action, resource, variables });
  }
}

function readRolePolicy(): string {
  return readFileSync(new URL("phone-role-policy.json", import.meta.url), "utf8");
}
