import { settingNames } from "../../../../modules/app/settings";
import { JobReader } from "../../../../modules/cloud/job-message";
import { ShadowReader } from "../../../../modules/cloud/shadow-message";
import { JSONError } from "../../../../modules/json/json-error";

const known = ["operation", "message"];

/** What is read piece by piece as it comes in, and is never in memory as a whole. */
export class StreamReaders {
  #reader?: ShadowReader | JobReader;

  open(kind: "shadow" | "job"): void {
    this.#reader = kind === "shadow" ? new ShadowReader("get/accepted", settingNames) : new JobReader(known);
  }

  write(bytes: Uint8Array): void {
    this.#reader?.write(bytes);
  }

  /** @returns the verdict's name, and perhaps a colon and more; "" for a message that is good */
  judge(): string {
    const reader = this.#reader;
    this.#reader = undefined;
    try {
      reader?.message();
      return "";
    } catch (error) {
      if (error instanceof JSONError) return error.message;
      throw error;
    }
  }
}
