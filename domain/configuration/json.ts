/** Where a text stops being JSON: the parser of JavaScript does not always say. */

const SPACE = /[ \t\n\r]*/y;
const STRING = /"(?:[^"\\\p{Cc}]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/uy;
const SCALAR = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-])/y;

class Fault extends Error {
  readonly at: number;

  constructor(at: number, message: string) {
    super(message);
    this.at = at;
  }
}

/** @returns line and column from 1, and what is wrong there; undefined if it is JSON. https://www.rfc-editor.org/rfc/rfc8259 */
export function jsonFault(text: string): { readonly line: number; readonly column: number; readonly message: string } | undefined {
  try {
    const end = skip(text, value(text, skip(text, 0)));
    if (end < text.length) throw new Fault(end, 'it should have ended');
    return undefined;
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const before = text.slice(0, error.at).split('\n');
    return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1, message: error.message };
  }
}

/** @returns where what is matched at `at` ends; undefined if it is not there */
function match(pattern: RegExp, text: string, at: number): number | undefined {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : undefined;
}

const skip = (text: string, at: number): number => match(SPACE, text, at) ?? at;

function value(text: string, at: number): number {
  if (text[at] === '{') return list(text, at, '}', member);
  if (text[at] === '[') return list(text, at, ']', value);
  const end = match(SCALAR, text, at) ?? match(STRING, text, at);
  if (end === undefined)
    throw new Fault(at, at >= text.length ? 'it ends too early' : text[at] === '"' ? 'this text does not end' : 'a value is needed');
  return end;
}

function member(text: string, at: number): number {
  const key = match(STRING, text, at);
  if (key === undefined) throw new Fault(at, at >= text.length ? 'it ends too early' : 'a key in double quotes is needed');
  const colon = skip(text, key);
  if (text[colon] !== ':') throw new Fault(colon, '":" is missing');
  return value(text, skip(text, colon + 1));
}

function list(text: string, from: number, close: string, one: (text: string, at: number) => number): number {
  let at = skip(text, from + 1);
  if (text[at] === close) return at + 1;
  for (;;) {
    at = skip(text, one(text, at));
    if (text[at] === close) return at + 1;
    if (text[at] !== ',')
      throw new Fault(at, at >= text.length ? `it ends too early: "${close}" is missing` : `"," or "${close}" is missing`);
    const comma = at;
    at = skip(text, at + 1);
    if (text[at] === close) throw new Fault(comma, `no "," before "${close}"`);
  }
}

/**
 * The line of every member and item of a text that is JSON, by its path: `containerDefinitions[0].cpu`. An item of a list that has a
 * `name` is also found by it: `containerDefinitions[0].environment.PORT`.
 */
export function linesOf(text: string): ReadonlyMap<string, number> {
  const lines = new Map<string, number>();
  let counted = 0;
  let line = 1;
  /** Only forwards. */
  const lineAt = (at: number) => {
    for (; counted < at; counted++) if (text[counted] === '\n') line++;
    return line;
  };
  const visit = (at: number, path: string): number => {
    if (text[at] === '{') return members(at, path);
    if (text[at] === '[') return items(at, path);
    return match(SCALAR, text, at) ?? match(STRING, text, at)!;
  };
  const members = (from: number, path: string): number => {
    let at = skip(text, from + 1);
    while (text[at] !== '}') {
      const end = match(STRING, text, at)!;
      const name = JSON.parse(text.slice(at, end)) as string;
      const own = path === '' ? name : `${path}.${name}`;
      lines.set(own, lineAt(at));
      const start = skip(text, skip(text, end) + 1);
      at = skip(text, visit(start, own));
      if (name === 'name' && text[start] === '"') alias(path, JSON.parse(text.slice(start, match(STRING, text, start)!)) as string);
      if (text[at] === ',') at = skip(text, at + 1);
    }
    return at + 1;
  };
  const alias = (path: string, name: string) => {
    const found = lines.get(path);
    if (found !== undefined && path.endsWith(']')) lines.set(`${path.slice(0, path.lastIndexOf('['))}.${name}`, found);
  };
  const items = (from: number, path: string): number => {
    let at = skip(text, from + 1);
    for (let index = 0; text[at] !== ']'; index++) {
      lines.set(`${path}[${index}]`, lineAt(at));
      at = skip(text, visit(at, `${path}[${index}]`));
      if (text[at] === ',') at = skip(text, at + 1);
    }
    return at + 1;
  };
  visit(skip(text, 0), '');
  return lines;
}
