/** Mutants of C, by its tokens: comments, texts and preprocessor lines are left alone. What does not compile then is no mutant. */
import { describe, type Mutant } from "./mutant.ts";

interface Token {
  kind: "word" | "number" | "operator";
  text: string;
  start: number;
  end: number;
}

const pattern =
  /(?<skip>\/\/[^\n]*|\/\*[\s\S]*?\*\/|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|^[ \t]*#(?:\\\n|[^\n])*|\s+)|(?<word>[A-Za-z_]\w*)|(?<number>0[xX][\da-fA-F]+[uUlL]*|\d+[uUlL]*)|(?<operator><<=|>>=|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|[-+*/%&|^~!<>=?:;,.(){}[\]])/gmy;

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  pattern.lastIndex = 0;
  while (pattern.lastIndex < text.length) {
    const start = pattern.lastIndex;
    const groups = pattern.exec(text)?.groups;
    if (!groups) {
      pattern.lastIndex = start + 1;
      continue;
    }
    const kind = (["word", "number", "operator"] as const).find((name) => groups[name] !== undefined);
    if (kind) tokens.push({ kind, text: groups[kind], start, end: pattern.lastIndex });
  }
  return tokens;
}

const operators: Record<string, string> = {
  "<": "<=",
  "<=": "<",
  ">": ">=",
  ">=": ">",
  "==": "!=",
  "!=": "==",
  "&&": "||",
  "||": "&&",
  "+": "-",
  "-": "+",
  "*": "/",
  "/": "*",
  "%": "*",
  "&": "|",
  "|": "&",
  "^": "&",
  "<<": ">>",
  ">>": "<<",
  "+=": "-=",
  "-=": "+=",
  "|=": "&=",
  "&=": "|=",
};

/** Operators that have another meaning in front of an operand. */
const alsoUnary = ["+", "-", "*", "&"];

/** What a `*` behind it makes a pointer of. */
const type =
  /^(?:void|char|short|int|long|unsigned|signed|float|double|bool|FILE|struct|const|\w+_t|xs\w+|mbedtls_\w+)$/;

/** @param file from the project's folder */
export function mutantsOfC(file: string, text: string): Mutant[] {
  const tokens = tokensOf(text);
  const mutants: Mutant[] = [];
  const add = (start: number, end: number, replacement: string) => {
    const line = text.slice(0, start).split("\n").length;
    mutants.push({ file, line, start, end, replacement, what: describe(text.slice(start, end), replacement) });
  };
  for (let i = 0; i < tokens.length; i += 1) {
    const token = tokens[i];
    if (token.kind === "number") add(token.start, token.end, plusOne(token.text));
    else if (token.kind === "operator") mutateOperator(tokens, i, add);
    else if (token.text === "if" || token.text === "while") mutateCondition(tokens, i, add);
    if (startsStatement(tokens, i)) removeStatement(tokens, i, add);
  }
  return mutants;
}

type Add = (start: number, end: number, replacement: string) => void;

function plusOne(number: string): string {
  const [, digits, suffix] = /^(0[xX][\da-fA-F]+|\d+)([uUlL]*)$/.exec(number)!;
  return `${Number(digits) + 1}${suffix}`;
}

function mutateOperator(tokens: Token[], at: number, add: Add): void {
  const { text, start, end } = tokens[at];
  const before = tokens[at - 1];
  const isPointer = text === "*" && (type.test(before?.text ?? "") || tokens[at - 2]?.text === "struct");
  if (isPointer) return;
  const isOperand = before && !keywords.includes(before.text);
  const isBinary = isOperand && (before.kind !== "operator" || before.text === ")" || before.text === "]");
  if (text === "!") add(start, end, "");
  else if (Object.hasOwn(operators, text) && (isBinary || !alsoUnary.includes(text))) add(start, end, operators[text]);
}

/** @returns the index of the bracket that closes the one at `at` */
function closing(tokens: Token[], at: number): number {
  let depth = 0;
  for (let i = at; i < tokens.length; i += 1) {
    if (tokens[i].text === "(") depth += 1;
    else if (tokens[i].text === ")") depth -= 1;
    if (!depth) return i;
  }
  return tokens.length - 1;
}

function mutateCondition(tokens: Token[], at: number, add: Add): void {
  if (tokens[at + 1]?.text !== "(") return;
  const { start } = tokens[at + 1];
  const { end } = tokens[closing(tokens, at + 1)];
  add(start, end, "(0)");
  if (tokens[at].text === "if") add(start, end, "(1)");
}

const ends = [";", "{", "}", ")", "else", ":"];
const keywords = [
  "if",
  "for",
  "while",
  "do",
  "switch",
  "return",
  "goto",
  "case",
  "default",
  "else",
  "sizeof",
  "typedef",
];

/** A call or an assignment: a name, and then what no declaration has behind its first word. */
function startsStatement(tokens: Token[], at: number): boolean {
  const { kind, text } = tokens[at];
  const before = tokens[at - 1]?.text;
  if (kind !== "word" || keywords.includes(text) || before === undefined || !ends.includes(before)) return false;
  return ["(", "=", "->", ".", "[", "+=", "-=", "|=", "&=", "++", "--"].includes(tokens[at + 1]?.text);
}

function removeStatement(tokens: Token[], at: number, add: Add): void {
  for (let i = at; i < tokens.length; i += 1) {
    const { text, end } = tokens[i];
    if (text === "{" || text === "}") return;
    if (text !== ";") continue;
    add(tokens[at].start, end, ";");
    return;
  }
}
