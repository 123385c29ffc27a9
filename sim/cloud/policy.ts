/** What a client may do is decided for a request such as "iot:Publish on topic/device/x/telemetry". */
export interface PolicyRequest {
  action: string;
  /** ARN */
  resource: string;
  /** Policy variables without `${}`: `iot:ClientId`, `iot:Connection.Thing.ThingName`, ... Missing ones have no value. */
  variables: Record<string, string | undefined>;
}

interface Statement {
  Effect: "Allow" | "Deny";
  Action: string | string[];
  Resource: string | string[];
  Condition?: Record<string, Record<string, string | string[]>>;
}

/**
 * AWS IoT policies (IoT guide, "AWS IoT Core policies"): everything is forbidden but what some statement allows and none denies.
 * `*` and `?` stand for any characters; a statement with a variable that has no value does not apply.
 */
export function isAllowed(documents: string[], request: PolicyRequest): boolean {
  const statements = documents.flatMap((text) => [JSON.parse(text).Statement as Statement | Statement[]].flat());
  const applying = statements.filter((statement) => applies(statement, request));
  return applying.length > 0 && applying.every(({ Effect }) => Effect === "Allow");
}

function applies(statement: Statement, request: PolicyRequest): boolean {
  const { action, resource, variables } = request;
  return (
    [statement.Action].flat().some((pattern) => matches(pattern, action, {})) &&
    [statement.Resource].flat().some((pattern) => matches(pattern, resource, variables)) &&
    Object.entries(statement.Condition ?? {}).every(([operator, tests]) => holds(operator, tests, request))
  );
}

function matches(pattern: string, text: string, variables: PolicyRequest["variables"]): boolean {
  return toExpression(pattern, variables)?.test(text) ?? false;
}

const literal = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** The values of variables are taken literally, wildcards in them included. */
function toExpression(pattern: string, variables: PolicyRequest["variables"]): RegExp | undefined {
  let source = "";
  for (const [part, name] of pattern.matchAll(/\$\{([^}]*)\}|[^$]+|\$/g)) {
    if (name === undefined) source += literal(part).replace(/\\\*/g, ".*").replace(/\\\?/g, ".");
    else if (variables[name] === undefined) return undefined;
    else source += literal(variables[name]);
  }
  return new RegExp(`^${source}$`, "s");
}

/** An operator that is not known here holds for nothing: an Allow with it allows nothing. */
function holds(operator: string, tests: Record<string, string | string[]>, { variables }: PolicyRequest): boolean {
  return Object.entries(tests).every(([key, expected]) => {
    const value = variables[key];
    const wanted = [expected].flat();
    switch (operator) {
      case "Bool":
      case "StringEquals":
        return value !== undefined && wanted.includes(value);
      case "StringNotEquals":
        return value === undefined || !wanted.includes(value);
      case "StringLike":
        return value !== undefined && wanted.some((pattern) => matches(pattern, value, variables));
      default:
        return false;
    }
  });
}
