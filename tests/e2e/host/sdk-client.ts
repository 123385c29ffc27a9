import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const top = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..");

/** For tests that need the SDK's MQTT client: why they are skipped, or false. */
export const skipWithoutSDK = process.env.MODDABLE ? false : "MODDABLE is not set: there is no SDK client to test with";

/**
 * A manifest as it is, but with the SDK's own MQTT client in place of the XS host's.
 *
 * @param name of its folder below .build
 * @throws Error when $MODDABLE is not set
 */
export async function withSDKClient(name: string, manifest: string): Promise<string> {
  if (skipWithoutSDK) throw new Error(skipWithoutSDK);
  const directory = join(top, ".build", `sdk-client-${name}`);
  await mkdir(directory, { recursive: true });
  const client = join(process.env.MODDABLE as string, "examples/io/tcp/mqttclient/mqttclient");
  const content = { include: [relative(directory, manifest)], modules: { "embedded:network/mqtt/client": client } };
  const path = join(directory, "manifest.json");
  await writeFile(path, JSON.stringify(content));
  return path;
}
