import { holds, type Tests } from "./policy-conditions.ts";
import { matches, type Variables } from "./policy-pattern.ts";

/** What somebody may do is decided for a request such as "iot:Publish on topic/device/x/telemetry". */
export interface PolicyRequest {
  action: string;
  /** ARN, or what AWS has in its place: the id of a Cognito identity, `*` for an action without a resource. */
  resource: string;
  /**
   * Policy variables and condition keys without `${}`: `iot:ClientId`, `s3:prefix`, `cognito-identity.amazonaws.com:sub`, ... Those that
   * are missing have no value; a key can have several.
   */
  variables: Variables;
}

/** `explicitDeny`: a statement denies it, whatever others allow. `implicitDeny`: no statement allows it. */
export type Decision = "allowed" | "explicitDeny" | "implicitDeny";

type List = string | string[];

interface Statement {
  Effect: "Allow" | "Deny";
  Action?: List;
  NotAction?: List;
  Resource?: List;
  NotResource?: List;
  Condition?: Record<string, Tests>;
}

/**
 * AWS IoT policies and IAM policies of identities (IAM user guide, "Policy evaluation logic"; IoT guide, "AWS IoT Core policies"): everything is forbidden
 * but what some statement allows and none denies. `*` and `?` stand for any characters; a pattern with a variable that has no value fits
 * nothing.
 *
 * @param documents JSON
 */
export function decide(documents: string[], request: PolicyRequest): Decision {
  const statements = documents.flatMap((text) => [JSON.parse(text).Statement as Statement | Statement[]].flat());
  const effects = statements.filter((statement) => applies(statement, request)).map(({ Effect }) => Effect);
  if (effects.includes("Deny")) return "explicitDeny";
  return effects.includes("Allow") ? "allowed" : "implicitDeny";
}

export function isAllowed(documents: string[], request: PolicyRequest): boolean {
  return decide(documents, request) === "allowed";
}

function applies(statement: Statement, { action, resource, variables }: PolicyRequest): boolean {
  const { Action, NotAction, Resource, NotResource, Condition = {} } = statement;
  // IAM does not tell the case of an action's letters apart.
  const isAction = (pattern: string) => matches(pattern.toLowerCase(), action.toLowerCase(), {});
  const isResource = (pattern: string) => matches(pattern, resource, variables);
  return (
    (NotAction === undefined ? list(Action).some(isAction) : !list(NotAction).some(isAction)) &&
    (NotResource === undefined ? list(Resource).some(isResource) : !list(NotResource).some(isResource)) &&
    Object.entries(Condition).every(([operator, tests]) => {
      // What is not understood here must not open anything.
      return holds(operator, tests, variables) ?? statement.Effect === "Deny";
    })
  );
}

function list(value: List | undefined): string[] {
  return value === undefined ? [] : [value].flat();
}
