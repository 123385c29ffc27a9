/**
 * Reads the part of YAML that a CloudFormation template needs, and refuses all the rest by line: block mappings and lists, plain and
 * double-quoted scalars, `>-`, comments on lines of their own, and the short forms !Ref, !Sub and !GetAtt. What it takes, every reader of
 * YAML 1.1 and 1.2 takes for the same: texts that one of them would read as something else (`no`, dates, `0x1`) have to be quoted.
 */
export function readTemplate(text: string): unknown {
  const lines = text
    .split("\n")
    .map((line, i) => ({ number: i + 1, indent: line.search(/\S/), text: line.trim() }))
    .filter((line) => line.text && !line.text.startsWith("#"));
  const reader = new Reader(lines);
  if (text.includes("\t")) throw new SyntaxError("tabs do not indent in YAML");
  const value = reader.block(0);
  reader.end();
  return value;
}

interface Line {
  number: number;
  indent: number;
  text: string;
}

const pair = /^([\w:.-]+):(?: +(.+))?$/;
/** Would start something other than a plain scalar (YAML 1.2, 5.3 and 7.3.3). */
const indicator = /^[-?:,[\]{}#&*!|>'"%@`~]/;
const ambiguous = /^(y|yes|n|no|on|off|null|true|false|\.inf|\.nan)$/i;

const tags: Record<string, (value: string) => object> = {
  "!Ref": (name) => ({ Ref: name }),
  "!Sub": (text) => ({ "Fn::Sub": text }),
  "!GetAtt": (path) => ({ "Fn::GetAtt": path.split(".") }),
};

class Reader {
  #lines: Line[];
  #at = 0;

  constructor(lines: Line[]) {
    this.#lines = lines;
  }

  /** The mapping or list whose lines begin at `indent`. */
  block(indent: number): unknown {
    const first = this.#lines[this.#at];
    if (first?.indent !== indent) throw this.#error("nothing is indented below this");
    return first.text.startsWith("- ") ? this.#list(indent) : this.#mapping(indent);
  }

  end(): void {
    if (this.#at < this.#lines.length) throw this.#error("the indentation fits nothing above");
  }

  #list(indent: number): unknown[] {
    const items: unknown[] = [];
    for (let line = this.#lines[this.#at]; line?.indent === indent; line = this.#lines[this.#at]) {
      if (!line.text.startsWith("- ")) throw this.#error("no item of the list");
      const text = line.text.slice(2);
      if (text !== text.trim()) throw this.#error("one space after the dash");
      if (pair.test(text)) {
        this.#lines[this.#at] = { ...line, indent: indent + 2, text };
        items.push(this.#mapping(indent + 2));
      } else {
        items.push(this.#scalar(text));
        this.#at += 1;
      }
    }
    return items;
  }

  #mapping(indent: number): Record<string, unknown> {
    const mapping: Record<string, unknown> = {};
    for (let line = this.#lines[this.#at]; line?.indent === indent; line = this.#lines[this.#at]) {
      const [found, key, text] = pair.exec(line.text) ?? [];
      if (!found) throw this.#error("no key with a value");
      if (Object.hasOwn(mapping, key)) throw this.#error(`${key} is given twice`);
      mapping[key] = this.#value(text, indent);
    }
    return mapping;
  }

  #value(text: string | undefined, indent: number): unknown {
    const value = text === undefined || text === ">-" ? undefined : this.#scalar(text);
    this.#at += 1;
    if (value !== undefined) return value;
    const next = this.#lines[this.#at];
    if (!next || next.indent <= indent) throw this.#error("a value is missing above");
    return text === ">-" ? this.#folded(next.indent) : this.block(next.indent);
  }

  #folded(indent: number): string {
    const parts: string[] = [];
    for (; this.#lines[this.#at]?.indent === indent; this.#at += 1) parts.push(this.#lines[this.#at].text);
    return parts.join(" ");
  }

  #scalar(text: string): unknown {
    const [, tag, rest] = /^(!\w+) (.+)$/.exec(text) ?? [];
    if (!tag) return this.#untagged(text);
    const value = this.#untagged(rest);
    if (!Object.hasOwn(tags, tag) || typeof value !== "string") throw this.#error(`${tag} is not known for this`);
    return tags[tag](value);
  }

  #untagged(text: string): string | number | boolean {
    if (/^"([^"\\]|\\["\\])*"$/.test(text)) return JSON.parse(text);
    if (text === "true" || text === "false") return text === "true";
    if (/^(0|[1-9]\d*)$/.test(text)) return Number(text);
    if (indicator.test(text) || ambiguous.test(text) || /^[+.\d]/.test(text) || /: |:$| #/.test(text))
      throw this.#error("this text has to be quoted");
    return text;
  }

  #error(reason: string): SyntaxError {
    const { number, text } = this.#lines[this.#at] ?? { number: "the end", text: "" };
    return new SyntaxError(`line ${number}: ${reason}: ${text}`);
  }
}
