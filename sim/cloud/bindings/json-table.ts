import { dirname, join } from "node:path";
import { JsonFile } from "../json-file.ts";
import type { Binding, BindingTable } from "./binding.ts";
import type { OwnerRecord } from "./owner-record.ts";

/**
 * Bindings in a file, by thing name. Read anew each time, so whoever changes the file is heard at once; nothing else runs between reading
 * and writing.
 */
export class JsonBindingTable implements BindingTable {
  #file: JsonFile<Record<string, Binding>>;
  #owners: JsonFile<Record<string, OwnerRecord>>;

  /** @param path the records of people are in a file beside it, `owners.json` */
  constructor(path: string) {
    this.#file = new JsonFile(path);
    this.#owners = new JsonFile(join(dirname(path), "owners.json"));
  }

  async get(thing: string): Promise<Binding | undefined> {
    return this.#read().get(thing);
  }

  async claim(wanted: Omit<Binding, "releasing">): Promise<Binding | undefined> {
    const bindings = this.#read();
    const existing = bindings.get(wanted.thing);
    if (existing && existing.user !== wanted.user) return undefined;
    const { releasing: _over, ...kept } = { ...wanted, ...existing };
    const binding = { ...kept, ...(wanted.name === undefined ? {} : { name: wanted.name }) };
    this.#write(bindings.set(binding.thing, binding));
    return binding;
  }

  async startRelease(thing: string, user: string): Promise<boolean> {
    const bindings = this.#read();
    const binding = bindings.get(thing);
    if (binding?.user !== user) return false;
    this.#write(bindings.set(thing, { ...binding, releasing: true }));
    return true;
  }

  async finishRelease(thing: string, user: string): Promise<boolean> {
    const bindings = this.#read();
    const binding = bindings.get(thing);
    if (binding?.user !== user || !binding.releasing) return false;
    bindings.delete(thing);
    this.#write(bindings);
    return true;
  }

  async ofUser(user: string): Promise<Binding[]> {
    return [...this.#read().values()].filter((binding) => binding.user === user);
  }

  async owner(user: string): Promise<OwnerRecord | undefined> {
    return this.#readOwners().get(user);
  }

  async keepOwner(user: string, record: OwnerRecord): Promise<boolean> {
    const owners = this.#readOwners();
    if ((owners.get(user)?.version ?? 0) !== record.version - 1) return false;
    this.#owners.write(Object.fromEntries(owners.set(user, record)));
    return true;
  }

  /** Writes a binding as it is given, as an administrator would. */
  async put(binding: Pick<Binding, "thing" | "user"> & Partial<Binding>): Promise<void> {
    const { thing } = binding;
    this.#write(this.#read().set(thing, { since: Date.now(), ...binding }));
  }

  async delete(thing: string): Promise<void> {
    const bindings = this.#read();
    bindings.delete(thing);
    this.#write(bindings);
  }

  #read(): Map<string, Binding> {
    return new Map(Object.entries(this.#file.read() ?? {}));
  }

  #readOwners(): Map<string, OwnerRecord> {
    return new Map(Object.entries(this.#owners.read() ?? {}));
  }

  #write(bindings: Map<string, Binding>): void {
    this.#file.write(Object.fromEntries(bindings));
  }
}
