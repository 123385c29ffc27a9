/**
 * `npm start`: sets the machine up if need be, then runs the whole line. See sim/start/options.mjs for the options.
 * Plain JavaScript, because on the first start there is nothing yet that could run TypeScript.
 */

import { ensureSetup } from "./setup.mjs";
import { help, parseOptions, UsageError } from "./start/options.mjs";

let options;
try {
  options = parseOptions(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`${error.message}\nTry: npm start -- --help`);
  process.exit(2);
}
if (options.help) {
  process.stdout.write(help);
  process.exit(0);
}
await ensureSetup();
const { register } = await import("tsx/esm/api");
register();
const { runLine } = await import("./start/line.ts");
process.exitCode = await runLine(options);
