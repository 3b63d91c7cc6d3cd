/** Fields of JSONPath states that are filled when the state runs: paths, and templates whose members end with `.$`. */
import type { Json } from '../data.ts';
import type { Ambient } from '../functions.ts';
import type { Bindings, Template } from '../template.ts';
import { type Expression, evaluate, found, parseExpression, rootOf } from './expression.ts';
import type { Path } from './path.ts';
import { parsePath } from './reader.ts';

class Value implements Template {
  private readonly expression: Expression;
  private readonly field: string;
  private readonly ambient: Ambient;

  constructor(expression: Expression, field: string, ambient: Ambient) {
    this.expression = expression;
    this.field = field;
    this.ambient = ambient;
  }

  fill(bindings: Bindings): Json {
    return evaluate(this.expression, bindings, this.ambient, this.field);
  }
}

class Constant implements Template {
  readonly constant: Json;

  constructor(value: Json) {
    this.constant = value;
  }

  fill(): Json {
    return this.constant;
  }
}

class Members implements Template {
  private readonly members: readonly (readonly [string, Template])[];
  private readonly array: boolean;

  constructor(members: readonly (readonly [string, Template])[], array: boolean) {
    this.members = members;
    this.array = array;
  }

  fill(bindings: Bindings): Json {
    const values = this.members.map(([name, member]) => [name, member.fill(bindings) as Json] as const);
    return this.array ? values.map(([, value]) => value) : (Object.fromEntries(values) as Json);
  }
}

/** A payload template. https://docs.aws.amazon.com/step-functions/latest/dg/input-output-inputpath-params.html */
export function payload(field: Json, ambient: Ambient): Template {
  if (field === null || typeof field !== 'object') return new Constant(field);
  const array = Array.isArray(field);
  const members = Object.entries(field as Readonly<Record<string, Json>>).map(([name, member]): readonly [string, Template] => {
    if (array || !name.endsWith('.$')) return [name, payload(member, ambient)];
    return [name.slice(0, -2), new Value(parseExpression(String(member))!, name, ambient)];
  });
  return members.every(([, member]) => member.constant !== undefined) ? new Constant(field) : new Members(members, array);
}

/** A path in a field of its own, such as InputPath. */
export class PathField implements Template {
  readonly path: Path;
  private readonly message: (why: string, path: string) => string;

  /** @param message what AWS says where nothing is there */
  constructor(text: string, message = (why: string, path: string) => `Invalid path '${path}' : ${why}`) {
    this.path = parsePath(text)!;
    this.message = message;
  }

  fill(bindings: Bindings): Json {
    const { path } = this;
    return found(path, rootOf(path, bindings), (why) => this.message(why, path.source));
  }
}

/** A field that takes a path or an intrinsic function, such as ErrorPath. */
export function pathOrCall(text: string, field: string, ambient: Ambient): Template {
  return parsePath(text) === undefined ? new Value(parseExpression(text)!, field, ambient) : new PathField(text);
}
