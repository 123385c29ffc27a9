/** Mutants of TypeScript, by the compiler's own syntax tree. Types, imports and texts for people are left alone. */
import ts from "typescript";
import { describe, type Mutant } from "./mutant.ts";

const operators = new Map<ts.SyntaxKind, string>([
  [ts.SyntaxKind.LessThanToken, "<="],
  [ts.SyntaxKind.LessThanEqualsToken, "<"],
  [ts.SyntaxKind.GreaterThanToken, ">="],
  [ts.SyntaxKind.GreaterThanEqualsToken, ">"],
  [ts.SyntaxKind.EqualsEqualsEqualsToken, "!=="],
  [ts.SyntaxKind.ExclamationEqualsEqualsToken, "==="],
  [ts.SyntaxKind.AmpersandAmpersandToken, "||"],
  [ts.SyntaxKind.BarBarToken, "&&"],
  [ts.SyntaxKind.QuestionQuestionToken, "&&"],
  [ts.SyntaxKind.PlusToken, "-"],
  [ts.SyntaxKind.MinusToken, "+"],
  [ts.SyntaxKind.AsteriskToken, "/"],
  [ts.SyntaxKind.SlashToken, "*"],
  [ts.SyntaxKind.PercentToken, "*"],
  [ts.SyntaxKind.AmpersandToken, "|"],
  [ts.SyntaxKind.BarToken, "&"],
  [ts.SyntaxKind.CaretToken, "&"],
  [ts.SyntaxKind.LessThanLessThanToken, ">>"],
  [ts.SyntaxKind.GreaterThanGreaterThanToken, "<<"],
  [ts.SyntaxKind.GreaterThanGreaterThanGreaterThanToken, "<<"],
  [ts.SyntaxKind.PlusEqualsToken, "-="],
  [ts.SyntaxKind.MinusEqualsToken, "+="],
]);

/** @param file from the project's folder */
export function mutantsOfTypeScript(file: string, text: string): Mutant[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const mutants: Mutant[] = [];
  const add = (node: ts.Node, replacement: string) => {
    const start = node.getStart(source);
    const end = node.getEnd();
    const line = source.getLineAndCharacterOfPosition(start).line + 1;
    mutants.push({ file, line, start, end, replacement, what: describe(text.slice(start, end), replacement) });
  };
  const visit = (node: ts.Node): void => {
    if (isNoCode(node)) return;
    mutateOperator(node, add);
    mutateCondition(node, add);
    mutateLiteral(node, add);
    mutateStatement(node, add);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return mutants;
}

type Add = (node: ts.Node, replacement: string) => void;

function isNoCode(node: ts.Node): boolean {
  if (ts.isTypeNode(node) || ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) return true;
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return true;
  const modifiers = ts.canHaveModifiers(node) ? ts.getModifiers(node) : undefined;
  return modifiers?.some(({ kind }) => kind === ts.SyntaxKind.DeclareKeyword) ?? false;
}

const isText = (node: ts.Node) =>
  ts.isStringLiteralLike(node) || ts.isTemplateExpression(node) || node.getText().startsWith("`");

function mutateOperator(node: ts.Node, add: Add): void {
  if (ts.isBinaryExpression(node)) {
    const { left, operatorToken, right } = node;
    const other = operators.get(operatorToken.kind);
    const joinsText = operatorToken.kind === ts.SyntaxKind.PlusToken && (isText(left) || isText(right));
    if (other && !joinsText) add(operatorToken, other);
  } else if (ts.isPrefixUnaryExpression(node) && node.operator === ts.SyntaxKind.ExclamationToken)
    add(node, node.operand.getText());
  else if (ts.isPrefixUnaryExpression(node) && node.operator === ts.SyntaxKind.MinusToken)
    add(node, ` ${node.operand.getText()}`);
}

function mutateCondition(node: ts.Node, add: Add): void {
  let condition: ts.Expression | undefined;
  if (ts.isIfStatement(node)) condition = node.expression;
  else if (ts.isConditionalExpression(node)) condition = node.condition;
  else if (ts.isWhileStatement(node)) {
    add(node.expression, "false");
    return;
  } else if (ts.isForStatement(node) && node.condition) {
    add(node.condition, "false");
    return;
  }
  if (!condition) return;
  add(condition, "true");
  add(condition, "false");
}

function mutateLiteral(node: ts.Node, add: Add): void {
  if (node.kind === ts.SyntaxKind.TrueKeyword) add(node, "false");
  else if (node.kind === ts.SyntaxKind.FalseKeyword) add(node, "true");
  else if (ts.isNumericLiteral(node)) add(node, String(Number(node.text) + 1));
  else if (ts.isStringLiteral(node) && isWord(node)) add(node, '""');
}

/** A text with a space in it is for people. A name in an object or a case is a name. */
function isWord(node: ts.StringLiteral): boolean {
  if (!node.text || node.text.includes(" ")) return false;
  return !(ts.isPropertyAssignment(node.parent) && node.parent.name === node);
}

function mutateStatement(node: ts.Node, add: Add): void {
  if (ts.isExpressionStatement(node) && node.expression.kind !== ts.SyntaxKind.StringLiteral) {
    const isSuper =
      ts.isCallExpression(node.expression) && node.expression.expression.kind === ts.SyntaxKind.SuperKeyword;
    if (!isSuper) add(node, ";");
  } else if (ts.isThrowStatement(node) || ts.isBreakStatement(node) || ts.isContinueStatement(node)) add(node, ";");
  else if (ts.isReturnStatement(node) && !node.expression) add(node, ";");
}
