// What mcconfig calls as `tsc -p FILE-tsconfig.json`, once for each module. The compiler would read and check the whole program each time, which makes
// two minutes of work of a build; `npm run check` has checked the types, so here each file is only translated.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { transformSync } from "esbuild";

function settings(path) {
  const { extends: base, ...own } = JSON.parse(readFileSync(path, "utf8"));
  return { ...own, compilerOptions: { ...(base && settings(base).compilerOptions), ...own.compilerOptions } };
}

function transpile(source, { compilerOptions }) {
  const { outDir, rootDir, target, verbatimModuleSyntax, experimentalDecorators } = compilerOptions;
  const output = join(outDir, relative(rootDir, source)).replace(/\.ts$/, ".js");
  mkdirSync(dirname(output), { recursive: true });
  const { code, map } = transformSync(readFileSync(source, "utf8"), {
    loader: "ts",
    format: "esm",
    target: target === "es2025" ? "esnext" : target,
    sourcemap: true,
    sourcefile: relative(dirname(output), source),
    tsconfigRaw: { compilerOptions: { verbatimModuleSyntax, experimentalDecorators } },
  });
  // xsc wants a module to have something in it, and so does its reader of source maps.
  if (!code.trim()) return writeFileSync(output, "export {};\n");
  writeFileSync(`${output}.map`, map);
  writeFileSync(output, `${code}//# sourceMappingURL=${basename(output)}.map\n`);
}

const [option, project] = process.argv.slice(2);
if (option !== "-p" || !project) {
  process.stderr.write("usage: tsc -p TSCONFIG, as mcconfig calls it\n");
  process.exit(2);
}
try {
  const config = settings(project);
  for (const source of config.files) transpile(source, config);
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}
