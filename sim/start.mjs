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
// The AWS SDK announces when it will give up this version of Node.js: news for those who keep package.json, not for who starts a camera.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";
const { register } = await import("tsx/esm/api");
register();
const { runLine } = await import("./start/line.ts");
// Not before what was said has been written; but what an interrupted start was still doing must not keep it.
const code = await runLine(options);
process.stdout.write("", () => process.exit(code));
