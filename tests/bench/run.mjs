/** `npm run bench [-- --json]`: sets the machine up if need be, then measures the budgets of DESIGN.md section 5. */
import { ensureSetup } from "../../sim/setup.mjs";

await ensureSetup();
const { register } = await import("tsx/esm/api");
register();
const { runBench } = await import("./bench.ts");
process.exitCode = await runBench(process.argv.slice(2));
