/** `npm run mutate -- ROOM... [options]`: sets the machine up if need be, then asks the tests whether they notice changes of the code. */
import { ensureSetup } from "../../sim/setup.mjs";

await ensureSetup();
const { register } = await import("tsx/esm/api");
register();
const { main } = await import("./cli.ts");
process.exitCode = await main(process.argv.slice(2));
