/** `npm run advisor [-- CASE...]`: sets the machine up if need be, then judges a client by the cases of AWS IoT Device Advisor. */
import { ensureSetup } from "../../sim/setup.mjs";

await ensureSetup();
const { register } = await import("tsx/esm/api");
register();
const { runAdvisor } = await import("./cli.ts");
process.exitCode = await runAdvisor(process.argv.slice(2));
