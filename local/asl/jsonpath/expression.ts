/** What may stand in a member that ends with `.$`: a path, or a call of an intrinsic function. */
import type { Json } from '../data.ts';
import { PathError } from '../error.ts';
import type { Ambient } from '../functions.ts';
import type { Bindings } from '../template.ts';
import { INTRINSICS, IntrinsicError } from './intrinsics.ts';
import { find, NothingFound, type Path } from './path.ts';
import { PathReader } from './reader.ts';

export type Expression =
  | { readonly kind: 'path'; readonly path: Path }
  | { readonly kind: 'call'; readonly source: string; readonly name: string; readonly given: readonly Expression[] }
  | { readonly kind: 'literal'; readonly value: Json };

/** Undefined where the text is neither a path nor a call that makes sense. */
export function parseExpression(text: string): Expression | undefined {
  const read = new Reader(text).whole();
  return read === undefined || read.kind === 'literal' ? undefined : read;
}

class Reader {
  private readonly text: string;
  private offset = 0;

  constructor(text: string) {
    this.text = text;
  }

  whole(): Expression | undefined {
    const read = this.one();
    this.blank();
    return this.offset === this.text.length ? read : undefined;
  }

  private one(): Expression | undefined {
    this.blank();
    const rest = this.text.slice(this.offset);
    if (rest.startsWith('$')) {
      const path = new PathReader(this.text, this.offset).prefix();
      if (path === undefined) return undefined;
      this.offset = path.end;
      return { kind: 'path', path };
    }
    const [call, name = ''] = /^States\.([A-Za-z0-9]+)\(/.exec(rest) ?? [];
    if (call !== undefined) return this.call(name, call.length);
    const [quoted] = /^'(?:\\.|[^'\\])*'/s.exec(rest) ?? [];
    if (quoted !== undefined) {
      this.offset += quoted.length;
      return { kind: 'literal', value: quoted.slice(1, -1) };
    }
    const [word] = /^(?:-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.])/.exec(rest) ?? [];
    if (word === undefined) return undefined;
    this.offset += word.length;
    return { kind: 'literal', value: JSON.parse(word) as Json };
  }

  private call(name: string, length: number): Expression | undefined {
    const from = this.offset;
    this.offset += length;
    const given: Expression[] = [];
    this.blank();
    if (!this.takes(')'))
      for (;;) {
        const one = this.one();
        if (one === undefined) return undefined;
        given.push(unescaped(name, given.length, one));
        this.blank();
        if (this.takes(')')) break;
        if (!this.takes(',')) return undefined;
      }
    const intrinsic = INTRINSICS[name];
    if (intrinsic === undefined || given.length < intrinsic.least || given.length > intrinsic.most) return undefined;
    return { kind: 'call', source: this.text.slice(from, this.offset), name, given };
  }

  private takes(expected: string): boolean {
    if (this.text[this.offset] !== expected) return false;
    this.offset++;
    return true;
  }

  private blank(): void {
    while (this.text[this.offset] === ' ') this.offset++;
  }
}

/** A backslash takes the meaning from a quote, a brace or a backslash; Format looks at those of its template itself. */
function unescaped(name: string, position: number, one: Expression): Expression {
  if (one.kind !== 'literal' || typeof one.value !== 'string' || (name === 'Format' && position === 0)) return one;
  return { kind: 'literal', value: one.value.replace(/\\([\\'{}])/g, '$1') };
}

/** What a path starts from: `$` is the state's input, or what its field says. */
export function rootOf({ scope }: Path, bindings: Bindings): Json {
  const { input, context } = bindings.states as { readonly input: Json; readonly context: Json };
  if (scope.kind === 'input') return input;
  if (scope.kind === 'context') return context;
  const value = bindings[scope.name] as Json | undefined;
  if (value === undefined) throw new PathError(`The variable '$${scope.name}' is not defined.`);
  return value;
}

/** @param field as a refusal names it @throws PathError, IntrinsicError */
export function evaluate(expression: Expression, bindings: Bindings, ambient: Ambient, field: string): Json {
  switch (expression.kind) {
    case 'literal':
      return expression.value;
    case 'path': {
      const { path } = expression;
      const root = rootOf(path, bindings);
      return found(
        path,
        root,
        () => `The JSONPath '${path.source}' specified for the field '${field}' could not be found in the input '${JSON.stringify(root)}'`,
      );
    }
    case 'call':
      return call(expression, bindings, ambient);
  }
}

function call(expression: Extract<Expression, { kind: 'call' }>, bindings: Bindings, ambient: Ambient): Json {
  const { source, name, given } = expression;
  const failed = (why: string) => `The function '${source}' had the following error: ${why}`;
  const values = given.map((one) => {
    if (one.kind !== 'path') return evaluate(one, bindings, ambient, source);
    const root = rootOf(one.path, bindings);
    return found(one.path, root, () =>
      failed(`The JsonPath argument for the field '${one.path.source}' could not be found in the input '${JSON.stringify(root)}'`),
    );
  });
  try {
    return INTRINSICS[name]!.run(values, ambient);
  } catch (error) {
    if (!(error instanceof IntrinsicError)) throw error;
    throw new PathError(failed(error.message), 'States.IntrinsicFailure');
  }
}

/** @throws PathError with what `message` says of the message of the search */
export function found(path: Path, root: Json, message: (why: string) => string): Json {
  try {
    return find(path, root);
  } catch (error) {
    if (!(error instanceof NothingFound)) throw error;
    throw new PathError(message(error.message));
  }
}
