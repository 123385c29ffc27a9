/**
 * The member of a table that has a name which somebody else has chosen. To ask the table itself, as in `table[name]` or Object.hasOwn, makes a key of any name
 * that is asked for, and each new key takes a slot of the machine for good.
 *
 * @returns undefined when there is none of its own
 */
export function memberOf<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.keys(table).includes(name) ? table[name] : undefined;
}
