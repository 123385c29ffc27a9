/** TypeScript to JavaScript with source maps, one file at a time; nothing is done for a file that has not changed. */
import { readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { modified, replace } from "./files.ts";
import { asBuildPath, buildDirectory, fromTop } from "./paths.ts";

/** Change it with the options below: results of other options are not used again. */
const OPTIONS_VERSION = 1;
const output = join(buildDirectory, "firmware", `js-${OPTIONS_VERSION}`);

export interface Script {
  /** JavaScript file. */
  script: string;
  /** Source map, "" where the source is JavaScript already. */
  map: string;
}

export async function compileScript(source: string): Promise<Script> {
  if (extname(source) !== ".ts") return { script: source, map: "" };
  const script = join(output, asBuildPath(source).replace(/\.ts$/, ".js"));
  const map = `${script}.map`;
  if ((await modified(map)) <= (await modified(source))) await compile(source, script, map);
  return { script, map };
}

async function compile(source: string, script: string, map: string): Promise<void> {
  const { default: ts } = await import("typescript");
  const fileName = fromTop(source);
  const result = ts.transpileModule(await readFile(source, "utf8"), {
    fileName,
    reportDiagnostics: true,
    compilerOptions: {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.ESNext,
      sourceMap: true,
      verbatimModuleSyntax: true,
      isolatedModules: true,
    },
  });
  const [error] = result.diagnostics ?? [];
  if (error) {
    const line = error.file ? error.file.getLineAndCharacterOfPosition(error.start ?? 0).line + 1 : 1;
    throw new Error(`${fileName}:${line}: ${ts.flattenDiagnosticMessageText(error.messageText, "\n")}`);
  }
  // Another process may be compiling the same, and a third one running it.
  await replace(script, result.outputText);
  await replace(map, result.sourceMapText ?? "");
}
