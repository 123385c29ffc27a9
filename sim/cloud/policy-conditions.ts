import { ownMember } from "../own-member.ts";
import { matches, substitute, type Variables } from "./policy-pattern.ts";

/** Of one operator: condition keys, and what they are compared with. */
export type Tests = Record<string, string | string[]>;

type Compare = (value: string, wanted: string, variables: Variables) => boolean;

const equals: Compare = (value, wanted, variables) => substitute(wanted, variables) === value;
const like: Compare = (value, wanted, variables) => matches(wanted, value, variables);

/** Operators, and whether they are the opposite of what they compare with. */
const operators: Record<string, { compare: Compare; negated: boolean }> = {
  StringEquals: { compare: equals, negated: false },
  StringNotEquals: { compare: equals, negated: true },
  StringLike: { compare: like, negated: false },
  StringNotLike: { compare: like, negated: true },
  ArnLike: { compare: like, negated: false },
  ArnNotLike: { compare: like, negated: true },
  Bool: { compare: equals, negated: false },
};

/**
 * IAM user guide, "Condition operators" and "Multivalued context keys": every key has to fit one of the texts that stand beside it. A key that is not in
 * the request fits a negated operator only, or one that ends with `IfExists`; `ForAllValues:` holds for no values, `ForAnyValue:` does not.
 *
 * @returns undefined for an operator that is not known here
 */
export function holds(operator: string, tests: Tests, variables: Variables): boolean | undefined {
  const [, set, name, ifExists] = /^(?:(ForAnyValue|ForAllValues):)?(\w+?)(IfExists)?$/.exec(operator) ?? [];
  if (name === "Null")
    return Object.entries(tests).every(([key, wanted]) => isNull(ownMember(variables, key), [wanted].flat()));
  const known = Object.hasOwn(operators, name ?? "") ? operators[name] : undefined;
  if (!known) return undefined;
  return Object.entries(tests).every(([key, wanted]) => {
    const { compare, negated } = known;
    const values = [ownMember(variables, key) ?? []].flat();
    const fits = (value: string) => [wanted].flat().some((one) => compare(value, one, variables)) !== negated;
    if (set === "ForAllValues") return values.every(fits);
    if (values.length === 0) return set === undefined && (negated || ifExists !== undefined);
    return set === "ForAnyValue" ? values.some(fits) : values.every(fits);
  });
}

function isNull(value: Variables[string], wanted: string[]): boolean {
  const missing = value === undefined || value.length === 0;
  return wanted.includes(String(missing));
}
