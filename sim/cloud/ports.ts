import { JsonFile } from "./json-file.ts";

export type PortName = "s3" | "mqtt" | "api" | "data" | "jobs" | "gateway" | "cognitoIdp" | "cognitoIdentity";

/** The ports of a cloud's services: those that were asked for, or those of the last time, or any. */
export class Ports {
  readonly #file: JsonFile<Partial<Record<PortName, number>>>;
  readonly #wanted: Partial<Record<PortName, number>>;
  readonly #taken: Partial<Record<PortName, number>> = {};

  constructor(path: string, asked: Partial<Record<PortName, number>> = {}) {
    this.#file = new JsonFile(path);
    this.#wanted = { ...this.#file.read(), ...asked };
  }

  /** Somebody else may have taken the port of the last time; then any will do. */
  async listen<T extends { readonly port: number }>(
    name: PortName,
    listen: (port: number | undefined) => Promise<T>,
  ): Promise<T> {
    const service = await this.#listenOn(this.#wanted[name], listen);
    this.#taken[name] = service.port;
    return service;
  }

  /** For the next time. */
  save(): void {
    this.#file.write(this.#taken);
  }

  async #listenOn<T>(port: number | undefined, listen: (port: number | undefined) => Promise<T>): Promise<T> {
    try {
      return await listen(port);
    } catch (error) {
      if (!port || (error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
      return listen(undefined);
    }
  }
}
