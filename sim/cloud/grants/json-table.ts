import { JsonFile } from "../json-file.ts";
import type { Binding, BindingTable } from "./grant-service.ts";

/** Bindings in a file, by thing name. Read anew each time, so whoever changes the file is heard at once. */
export class JsonBindingTable implements BindingTable {
  #file: JsonFile<Record<string, Binding>>;

  constructor(path: string) {
    this.#file = new JsonFile(path);
  }

  async get(thing: string): Promise<Binding | undefined> {
    const bindings = this.#file.read() ?? {};
    return Object.hasOwn(bindings, thing) ? bindings[thing] : undefined;
  }

  async put(binding: Binding): Promise<void> {
    this.#file.write({ ...this.#file.read(), [binding.thing]: binding });
  }

  async delete(thing: string): Promise<void> {
    const { [thing]: _gone, ...others } = this.#file.read() ?? {};
    this.#file.write(others);
  }
}
