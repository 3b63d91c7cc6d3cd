/** Reads JSON token by token and knows where it stands, in the words of the parser behind EventBridge, because AWS shows them to users. */

export type TokenKind = '{' | '}' | '[' | ']' | 'name' | 'string' | 'number' | 'true' | 'false' | 'null';

interface Token {
  readonly kind: TokenKind;
  /** Offset that a complaint points at before the text was asked for. */
  readonly seen: number;
  readonly end: number;
  readonly text: string;
}

/** A text is not JSON, or not what was expected at some place. */
export class PatternSyntaxError extends Error {}

const literals = ['true', 'false', 'null'] as const;

/** The source is quoted up to this length. */
const QUOTED = 500;

export class TokenReader {
  private readonly source: string;
  private offset = 0;
  private current: Token | undefined;
  private textAsked = false;
  /** For a name, the start of its value is read along, as the original does. */
  private ahead: Token | undefined;
  private readonly open: ('{' | '[')[] = [];
  private expects: 'value' | 'first' | 'separator' | 'end' = 'value';

  constructor(source: string) {
    this.source = source;
  }

  get kind(): TokenKind | undefined {
    return this.current?.kind;
  }

  /** The text of the current token; for a complaint it then counts as read to its end. */
  text(): string {
    this.textAsked = true;
    return this.current?.text ?? '';
  }

  /** @throws PatternSyntaxError */
  next(): TokenKind | undefined {
    this.textAsked = false;
    if (this.ahead) {
      this.current = this.ahead;
      this.ahead = undefined;
    } else this.current = this.read();
    if (this.current?.kind === 'name') this.ahead = this.value();
    return this.current?.kind;
  }

  /** @throws PatternSyntaxError always: `message`, and where it stands */
  fail(message: string): never {
    const token = this.current;
    const offset = this.ahead?.seen ?? (token ? (this.textAsked ? token.end : token.seen) : this.offset);
    throw new PatternSyntaxError(message + this.place(offset));
  }

  private place(offset: number): string {
    const before = this.source.slice(0, offset);
    const line = before.split('\n').length;
    const column = offset - before.lastIndexOf('\n');
    const rest = this.source.length - QUOTED;
    const quoted = `"${this.source.slice(0, QUOTED)}"${rest > 0 ? `[truncated ${rest} chars]` : ''}`;
    return `\n at [Source: (String)${quoted}; line: ${line}, column: ${column}]`;
  }

  private error(message: string, offset = this.offset): never {
    throw new PatternSyntaxError(message + this.place(offset));
  }

  private skip(): string | undefined {
    while (/[ \t\r\n]/.test(this.source[this.offset] ?? '')) this.offset++;
    return this.source[this.offset];
  }

  private unexpected(wanted: string): never {
    const character = this.source[this.offset];
    if (character === undefined) {
      const inside = this.open.at(-1);
      this.error(
        inside
          ? `Unexpected end-of-input: expected close marker for ${inside === '{' ? 'Object' : 'Array'}`
          : 'No content to map due to end-of-input',
      );
    }
    this.error(`Unexpected character ('${character}' (code ${character.codePointAt(0)})): was expecting ${wanted}`);
  }

  private read(): Token | undefined {
    let character = this.skip();
    const inside = this.open.at(-1);
    if (inside === undefined) {
      if (this.expects !== 'value') return undefined;
      return this.value();
    }
    const close = inside === '{' ? '}' : ']';
    if (character === close && this.expects !== 'value') return this.close(close);
    if (this.expects === 'separator') {
      if (character !== ',') this.unexpected(`comma to separate ${inside === '{' ? 'Object' : 'Array'} entries`);
      this.offset++;
      character = this.skip();
    }
    if (inside === '[') return this.value();
    if (character !== '"') this.unexpected('double-quote to start field name');
    const name = this.string();
    if (this.skip() !== ':') this.unexpected('a colon to separate field name and value');
    this.offset++;
    return { ...name, kind: 'name' };
  }

  private close(kind: '}' | ']'): Token {
    this.offset++;
    this.open.pop();
    this.expects = this.open.length > 0 ? 'separator' : 'end';
    return { kind, seen: this.offset, end: this.offset, text: kind };
  }

  private value(): Token {
    const character = this.skip();
    if (character === '{' || character === '[') {
      this.offset++;
      this.open.push(character);
      this.expects = 'first';
      return { kind: character, seen: this.offset, end: this.offset, text: character };
    }
    this.expects = this.open.length > 0 ? 'separator' : 'end';
    if (character === '"') return this.string();
    const rest = this.source.slice(this.offset);
    const number = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])/.exec(rest)?.[0];
    if (number !== undefined) return this.plain('number', number);
    const word = /^[\p{L}\p{N}_$]+/u.exec(rest)?.[0];
    const literal = literals.find((each) => each === word);
    if (literal) return this.plain(literal, literal);
    const wanted = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')";
    if (word !== undefined) this.error(`Unrecognized token '${word}': was expecting ${wanted}`, this.offset + word.length);
    return this.unexpected(wanted);
  }

  private plain(kind: 'number' | 'true' | 'false' | 'null', text: string): Token {
    this.offset += text.length;
    return { kind, seen: this.offset, end: this.offset, text };
  }

  private string(): Token {
    const start = this.offset;
    const whole = /^"(?:[^"\\\p{Cc}]|\\.)*"/u.exec(this.source.slice(start))?.[0];
    if (whole === undefined) this.error('Unexpected end-of-input: was expecting closing quote for a string value', this.source.length);
    this.offset += whole.length;
    let text: string;
    try {
      text = JSON.parse(whole);
    } catch {
      this.error('Unrecognized character escape in a string value');
    }
    return { kind: 'string', seen: start + 1, end: this.offset, text };
  }
}
