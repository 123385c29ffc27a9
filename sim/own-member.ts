/**
 * The member of a record by a name that somebody else has chosen. Every object answers to `constructor`, `toString` and `__proto__`, so a record is never
 * asked by such a name with `[]`.
 */
export function ownMember<T>(record: Readonly<Record<string, T>> | undefined, name: string): T | undefined {
  return record !== undefined && Object.hasOwn(record, name) ? record[name] : undefined;
}

/** A record that takes any name, `__proto__` included, with the members of another one. */
export function recordOf<T>(members?: Readonly<Record<string, T>>): Record<string, T> {
  return Object.assign(Object.create(null), members);
}
