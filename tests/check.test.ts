import { test } from "node:test";
import { checks, runCheck } from "./check.mjs";

for (const [name, command] of Object.entries(checks)) test(name, () => runCheck(command).then(() => {}));
