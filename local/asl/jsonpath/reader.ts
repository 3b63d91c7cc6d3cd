/** Reads the text of a path, and of the filters in it. */
import type { Json } from '../data.ts';
import { at, comparison, OPERATORS, type Operand } from './filter.ts';
import { type Path, pathOf, type Scope, type Segment } from './path.ts';

/** The text is no path. */
class Malformed extends Error {}

const NAME = /[^.[\]()'",\s?@:*$&|!=<>~]/;

/** Undefined where the text is no path. */
export function parsePath(text: string): Path | undefined {
  return new PathReader(text).whole();
}

export class PathReader {
  private readonly text: string;
  private offset: number;

  constructor(text: string, offset = 0) {
    this.text = text;
    this.offset = offset;
  }

  /** The path that the text is; undefined where it is none, or where something follows it. */
  whole(): Path | undefined {
    const read = this.prefix();
    return read !== undefined && this.offset === this.text.length ? read : undefined;
  }

  /** The path that the text begins with, and where it ends. */
  prefix(): (Path & { readonly end: number }) | undefined {
    try {
      const from = this.offset;
      const scope = this.scope();
      const segments = this.segments();
      return { ...pathOf(this.text.slice(from, this.offset), scope, segments), end: this.offset };
    } catch (error) {
      if (error instanceof Malformed) return undefined;
      throw error;
    }
  }

  private scope(): Scope {
    this.expect('$');
    if (this.takes('$')) return { kind: 'context' };
    const name = /^[\p{ID_Start}_][\p{ID_Continue}]*/u.exec(this.text.slice(this.offset))?.[0];
    if (name === undefined) return { kind: 'input' };
    this.offset += name.length;
    return { kind: 'variable', name };
  }

  private segments(): Segment[] {
    const segments: Segment[] = [];
    for (;;) {
      if (this.takes('..')) {
        segments.push({ kind: 'descend' });
        if (this.peek() === '[') segments.push(this.bracket());
        else segments.push(this.dotted());
      } else if (this.takes('.')) segments.push(this.peek() === '[' ? this.bracket() : this.dotted());
      else if (this.peek() === '[') segments.push(this.bracket());
      else return segments;
    }
  }

  private dotted(): Segment {
    if (this.takes('*')) return { kind: 'wildcard' };
    const from = this.offset;
    while (NAME.test(this.peek())) this.offset++;
    // Functions such as length() are none of Step Functions'.
    if (this.offset === from || this.peek() === '(') throw new Malformed();
    return { kind: 'names', names: [this.text.slice(from, this.offset)] };
  }

  private bracket(): Segment {
    this.expect('[');
    this.blank();
    let segment: Segment;
    if (this.takes('*')) segment = { kind: 'wildcard' };
    else if (this.takes('?')) segment = this.filter();
    else if (this.peek() === "'" || this.peek() === '"') segment = { kind: 'names', names: this.list(() => this.quoted()) };
    else segment = this.numbers();
    this.blank();
    this.expect(']');
    return segment;
  }

  private numbers(): Segment {
    const from = this.integer();
    this.blank();
    if (this.takes(':')) return { kind: 'slice', from, to: this.integer() };
    if (from === undefined) throw new Malformed();
    const indices = [from];
    while (this.takes(',')) {
      this.blank();
      const index = this.integer();
      if (index === undefined) throw new Malformed();
      indices.push(index);
      this.blank();
    }
    return { kind: 'indices', indices };
  }

  private integer(): number | undefined {
    const [digits] = /^-?\d+/.exec(this.text.slice(this.offset)) ?? [];
    if (digits === undefined) return undefined;
    this.offset += digits.length;
    return Number(digits);
  }

  private list<T>(one: () => T): T[] {
    const items = [one()];
    this.blank();
    while (this.takes(',')) {
      this.blank();
      items.push(one());
      this.blank();
    }
    return items;
  }

  private quoted(): string {
    const quote = this.peek();
    this.offset++;
    let text = '';
    for (;;) {
      const character = this.text[this.offset++];
      if (character === undefined) throw new Malformed();
      if (character === quote) return text;
      text += character === '\\' ? (this.text[this.offset++] ?? '') : character;
    }
  }

  private filter(): Segment {
    this.blank();
    this.expect('(');
    const test = this.either();
    this.blank();
    this.expect(')');
    return { kind: 'filter', test };
  }

  private either(): (value: Json, root: Json) => boolean {
    const parts = [this.both()];
    this.blank();
    while (this.takes('||')) {
      parts.push(this.both());
      this.blank();
    }
    return (value, root) => parts.some((part) => part(value, root));
  }

  private both(): (value: Json, root: Json) => boolean {
    const parts = [this.condition()];
    this.blank();
    while (this.takes('&&')) {
      parts.push(this.condition());
      this.blank();
    }
    return (value, root) => parts.every((part) => part(value, root));
  }

  private condition(): (value: Json, root: Json) => boolean {
    this.blank();
    if (this.takes('!')) {
      const inner = this.condition();
      return (value, root) => !inner(value, root);
    }
    if (this.takes('(')) {
      const inner = this.either();
      this.blank();
      this.expect(')');
      return inner;
    }
    const left = this.operand();
    this.blank();
    const operator = OPERATORS.find((one) => this.takes(one));
    if (operator === undefined) return (value, root) => left(value, root) !== undefined;
    this.blank();
    return comparison(operator, left, this.operand());
  }

  private operand(): Operand {
    const character = this.peek();
    if (character === '@' || character === '$') {
      this.offset++;
      const path = pathOf('', { kind: 'input' }, this.segments());
      return at(path, character === '$');
    }
    if (character === "'" || character === '"') {
      const text = this.quoted();
      return () => text;
    }
    if (character === '/') return this.pattern();
    if (character === '[') {
      this.offset++;
      this.blank();
      const items = this.peek() === ']' ? [] : this.list(() => this.operand());
      this.expect(']');
      return (value, root) => items.map((item) => item(value, root)) as Json;
    }
    const [word] = /^(?:-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)/.exec(this.text.slice(this.offset)) ?? [];
    if (word === undefined) throw new Malformed();
    this.offset += word.length;
    const literal = JSON.parse(word) as Json;
    return () => literal;
  }

  private pattern(): Operand {
    const [whole, source, flags] = /^\/((?:\\.|[^/\\])*)\/([a-z]*)/.exec(this.text.slice(this.offset)) ?? [];
    if (whole === undefined) throw new Malformed();
    this.offset += whole.length;
    try {
      const expression = new RegExp(`^(?:${source})$`, flags);
      return () => expression as unknown as Json;
    } catch {
      throw new Malformed();
    }
  }

  private peek(): string {
    return this.text[this.offset] ?? '';
  }

  private takes(expected: string): boolean {
    if (!this.text.startsWith(expected, this.offset)) return false;
    this.offset += expected.length;
    return true;
  }

  private expect(expected: string): void {
    if (!this.takes(expected)) throw new Malformed();
  }

  private blank(): void {
    while (this.peek() === ' ') this.offset++;
  }
}
