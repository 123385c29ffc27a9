/** `npm run fuzz [-- TARGET] [-- SECONDS]`: sets the machine up, then goes on in TypeScript. */
import { spawn } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ensureSetup } from "../../sim/setup.mjs";

const here = dirname(fileURLToPath(import.meta.url));
await ensureSetup({ peers: true });
const child = spawn(process.execPath, ["--import", "tsx", join(here, "cli.ts"), ...process.argv.slice(2)], {
  cwd: join(here, "../.."),
  stdio: "inherit",
});
child.on("exit", (code, signal) => {
  process.exitCode = signal ? 1 : code;
});
