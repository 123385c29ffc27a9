/**
 * A name that somebody else has chosen is never a key of a plain object: `object[name]` finds `constructor` and `toString` in every object, and
 * `__proto__` cannot be stored in one. A store whose error code was "constructor" once stopped all uploads.
 *
 * Found by the types: every `object[key]` whose key may be any text, unless the object is an array, the function asks Object.hasOwn, or the file makes its
 * records without a prototype. What is left is in the list below, each with the reason why its key is the code's own.
 */
import assert from "node:assert/strict";
import { join, relative } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const top = fileURLToPath(new URL("../..", import.meta.url));

/** Where names of others come in: the firmware, the page, and all that runs in Lambda or stands for AWS. */
const rooms: [project: string, folders: RegExp][] = [
  ["tsconfig.json", /^(main\.ts|modules\/)/],
  ["sim/tsconfig.json", /^sim\/(phone|cloud)\//],
];

/** `file: expression`, and whose key it is. */
const own: Record<string, string> = {
  "modules/app/commands.ts: message[name]": "a command's field, named in the code",
  "modules/camera/settings.ts: names[name]": "a setting that translateOne() has named",
  "modules/json/member-of.ts: table[name]": "one of the table's own names",
  "modules/app/camera-device.ts: message[name]": "from the list of credentialFields",
  "modules/app/event-log.ts: event[name]": "one of the event's own names",
  "modules/app/settings.ts: stored[setting]": "one that problem() has found among the settings",
  "sim/cloud/cognito/user-pool-service.ts: administrative[operation]": "the caller has asked Object.hasOwn",
  "sim/cloud/control-operations.ts: body[name]": "a member of an operation, named in the code",
  "sim/cloud/control-operations.ts: parameters[name]": "from the path of an operation, in the code",
  "sim/cloud/control-resource.ts: parameters[name]": "from the table of kinds",
  "sim/cloud/provisioning.ts: this.#state.claims[certificateId]": "a hash",
  "sim/cloud/provisioning.ts: this.#state.templates[name]": "checked against AWS's pattern for names",
  "sim/cloud/provisioning.ts: this.#state.tokens[token as string]": "found by ownMember before",
  "sim/cloud/provisioning.ts: this.#state.tokens[token]": "random, or an own member's name",
  "sim/cloud/s3/checksums.ts: algorithms[name]": "one of the table's own names",
  "sim/cloud/s3/checksums.ts: checksums[name]": "one of the table's names, or found there by Object.hasOwn",
  "sim/cloud/s3/checksums.ts: digestLengths[name]": "one of the table's names, or found there by Object.hasOwn",
  "sim/cloud/s3/exchange.ts: headers[name]": "of the answer, named in the code",
  "sim/cloud/s3/exchange.ts: this.request.headers[name]": "a header that the code asks for",
  "sim/cloud/s3/put-object.ts: metadata[name.toLowerCase()]": "begins with x-amz-meta-",
  "sim/cloud/s3/xml.ts: escapes[character]": "one character",
  "sim/phone/cloud-settings.ts: endpoints[name]": "from the table of patterns",
  "sim/phone/cloud-settings.ts: value[field]": "from the table of patterns",
  "sim/phone/web/screens/camera-settings.ts: shadow?.delta[name]": "from the page's list of settings",
  "sim/phone/web/screens/camera-settings.ts: shadow?.reported[name]": "from the page's list of settings",
  "sim/phone/web/screens/camera-settings.ts: this.#shadow?.delta[name]": "from the page's list of settings",
  "sim/phone/web/screens/camera-settings.ts: this.#shadow?.delta[this.#setting.name]":
    "from the page's list of settings",
};

/** The key may be any text. */
function isAnyText(type: ts.Type): boolean {
  const parts = type.isUnion() ? type.types : [type];
  const open = ts.TypeFlags.String | ts.TypeFlags.TemplateLiteral | ts.TypeFlags.Any | ts.TypeFlags.Unknown;
  return parts.some(({ flags }) => (flags & open) !== 0);
}

/** The text of the function, method or accessor around a node, or of its file. */
function surroundings(node: ts.Node): string {
  let at: ts.Node = node;
  while (at.parent && !(ts.isFunctionLike(at) && !ts.isArrowFunction(at))) at = at.parent;
  return at.getText();
}

function isCareful(node: ts.Node): boolean {
  // Settings of a function are named in the code.
  if (node.getText().startsWith("process.env[")) return true;
  if (surroundings(node).includes("Object.hasOwn(")) return true;
  return /Object\.create\(null\)|recordOf[(<]/.test(node.getSourceFile().text);
}

function findings(project: string, folders: RegExp): string[] {
  const path = join(top, project);
  const { config } = ts.readConfigFile(path, ts.sys.readFile);
  const { fileNames, options } = ts.parseJsonConfigFileContent(config, ts.sys, join(path, ".."));
  const program = ts.createProgram(fileNames, options);
  const types = program.getTypeChecker();
  const found: string[] = [];
  const visit = (node: ts.Node, file: string): void => {
    if (ts.isElementAccessExpression(node) && isAnyText(types.getTypeAtLocation(node.argumentExpression))) {
      const container = types.getTypeAtLocation(node.expression);
      if (!types.isArrayLikeType(container) && !isCareful(node)) found.push(`${file}: ${node.getText()}`);
    }
    ts.forEachChild(node, (child) => visit(child, file));
  };
  for (const source of program.getSourceFiles()) {
    const file = relative(top, source.fileName).replaceAll("\\", "/");
    if (folders.test(file) && !source.isDeclarationFile) visit(source, file);
  }
  return found;
}

test("no foreign name is a key of a plain object", { timeout: 300_000 }, () => {
  const found = new Set(rooms.flatMap(([project, folders]) => findings(project, folders)));
  const news = [...found].filter((one) => !Object.hasOwn(own, one));
  assert.deepEqual(
    news,
    [],
    "ask memberOf (firmware), Object.hasOwn or ownMember, use a Map or recordOf; or say in this test whose name it is",
  );
  const gone = Object.keys(own).filter((one) => !found.has(one));
  assert.deepEqual(gone, [], "these are not in the code any more: take them out of the list");
});
