/** Values of policy variables and condition keys, by name. */
export type Variables = Record<string, string | string[] | undefined>;

/** @param pattern with `*`, `?` and `${variable}`; `${*}`, `${?}` and `${$}` are the characters themselves */
export function matches(pattern: string, text: string, variables: Variables): boolean {
  return toExpression(pattern, variables)?.test(text) ?? false;
}

/** A text of a policy with the values of its variables; undefined when one of them has none. */
export function substitute(text: string, variables: Variables): string | undefined {
  let result = "";
  for (const [part, name] of text.matchAll(tokens)) {
    const value = name === undefined ? part : textOf(name, variables);
    if (value === undefined) return undefined;
    result += value;
  }
  return result;
}

const tokens = /\$\{([^}]*)\}|[^$]+|\$/g;
const literal = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** The values of variables are taken literally, wildcards in them included. */
function toExpression(pattern: string, variables: Variables): RegExp | undefined {
  let source = "";
  for (const [part, name] of pattern.matchAll(tokens)) {
    const value = name === undefined ? "" : textOf(name, variables);
    if (value === undefined) return undefined;
    source += name === undefined ? literal(part).replace(/\\\*/g, ".*").replace(/\\\?/g, ".") : literal(value);
  }
  return new RegExp(`^${source}$`, "s");
}

/** A key of several values has none that could stand in a text. */
function textOf(name: string, variables: Variables): string | undefined {
  if (name === "*" || name === "?" || name === "$") return name;
  const value = Object.hasOwn(variables, name) ? variables[name] : undefined;
  return typeof value === "string" ? value : undefined;
}
