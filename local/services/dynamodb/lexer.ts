/** Cuts an expression of DynamoDB into tokens and resolves its placeholders. */

import { remembered } from '../../core/remembered.ts';
import { ServiceError } from '../../core/service.ts';
import { type AttributeValue, checkedValue, has, invalid } from './attribute.ts';

/** Something in an expression is wrong; the request names the expression: `Invalid ConditionExpression: …`. */
export class ExpressionError extends Error {}

export interface Token {
  readonly kind: 'word' | 'name' | 'value' | 'number' | 'symbol' | 'end';
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

const TOKEN =
  /\s*(?:(?<word>[A-Za-z_][A-Za-z0-9_]*)|(?<name>#[A-Za-z0-9_]+)|(?<value>:[A-Za-z0-9_]+)|(?<number>\d+)|(?<symbol><>|<=|>=|[=<>()[\],.+-]))/y;

/** Programs write the same few expressions again and again. @throws ExpressionError at a character that no token begins with */
export const tokenize = remembered(cut);

function cut(text: string): readonly Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  const stop = text.trimEnd().length;
  for (let at = 0; at < stop; at = TOKEN.lastIndex) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text);
    if (match === null) {
      const start = at + /^\s*/.exec(text.slice(at))![0].length;
      const bad = { kind: 'symbol', text: text[start]!, start, end: start + 1 } as const;
      throw syntaxError(text, [...tokens, bad, { kind: 'end', text: '<EOF>', start: stop, end: stop }], tokens.length);
    }
    const [kind, found] = Object.entries(match.groups!).find(([, group]) => group !== undefined) as [Token['kind'], string];
    tokens.push({ kind, text: found, start: TOKEN.lastIndex - found.length, end: TOKEN.lastIndex });
  }
  tokens.push({ kind: 'end', text: '<EOF>', start: stop, end: stop });
  return tokens;
}

/** `Syntax error; token: "and", near: "a and and"`: the token with its neighbours. */
export function syntaxError(text: string, tokens: readonly Token[], index: number): ExpressionError {
  const at = tokens[index]!;
  const from = tokens[Math.max(0, index - 1)]!;
  const to = tokens[Math.min(tokens.length - 1, index + 1)]!;
  return new ExpressionError(`Syntax error; token: "${at.text}", near: "${text.slice(from.start, Math.max(at.end, to.end))}"`);
}

/** ExpressionAttributeNames and ExpressionAttributeValues of one request, and which of them its expressions use. */
export class Placeholders {
  private readonly names: Readonly<Record<string, string>>;
  private readonly values: Record<string, AttributeValue> = {};
  private readonly unused: { names: Set<string>; values: Set<string> };

  /**
   * @param expressions what the request's expressions are called and whether it has one, for the message when it has none
   * @throws ServiceError ValidationException
   */
  constructor(
    input: {
      readonly ExpressionAttributeNames?: Readonly<Record<string, string>>;
      readonly ExpressionAttributeValues?: Readonly<Record<string, unknown>>;
    },
    expressions: Readonly<Record<string, string | undefined>>,
  ) {
    const { ExpressionAttributeNames: names, ExpressionAttributeValues: values } = input;
    const none = Object.values(expressions).every((expression) => expression === undefined);
    if (names !== undefined) {
      if (none) throw invalid('ExpressionAttributeNames can only be specified when using expressions');
      if (Object.keys(names).length === 0) throw invalid('ExpressionAttributeNames must not be empty');
      for (const key of Object.keys(names))
        if (!/^#[A-Za-z0-9_]+$/.test(key)) throw invalid(`ExpressionAttributeNames contains invalid key: Syntax error; key: "${key}"`);
    }
    if (values !== undefined) {
      const possible = Object.keys(expressions).filter((name) => name !== 'ProjectionExpression');
      const is = possible.length > 1 ? 'are' : 'is';
      if (possible.every((name) => expressions[name] === undefined))
        throw invalid(`ExpressionAttributeValues can only be specified when using expressions: ${possible.join(' and ')} ${is} null`);
      if (Object.keys(values).length === 0) throw invalid('ExpressionAttributeValues must not be empty');
      for (const [key, value] of Object.entries(values)) {
        if (!/^:[A-Za-z0-9_]+$/.test(key)) throw invalid(`ExpressionAttributeValues contains invalid key: Syntax error; key: "${key}"`);
        try {
          this.values[key] = checkedValue(value);
        } catch (error) {
          if (!(error instanceof ServiceError)) throw error;
          throw invalid(`ExpressionAttributeValues contains invalid value: ${error.message} for key ${key}`);
        }
      }
    }
    this.names = names ?? {};
    this.unused = { names: new Set(Object.keys(this.names)), values: new Set(Object.keys(this.values)) };
  }

  /** @throws ExpressionError if it is not defined */
  name(placeholder: string): string {
    if (!has(this.names, placeholder))
      throw new ExpressionError(`An expression attribute name used in the document path is not defined; attribute name: ${placeholder}`);
    this.unused.names.delete(placeholder);
    return this.names[placeholder]!;
  }

  /** @throws ExpressionError if it is not defined */
  value(placeholder: string): AttributeValue {
    if (!has(this.values, placeholder))
      throw new ExpressionError(`An expression attribute value used in expression is not defined; attribute value: ${placeholder}`);
    this.unused.values.delete(placeholder);
    return this.values[placeholder]!;
  }

  /** To be called when all expressions are parsed. @throws ServiceError ValidationException */
  allUsed(): void {
    const { names, values } = this.unused;
    if (names.size > 0) throw invalid(`Value provided in ExpressionAttributeNames unused in expressions: keys: {${[...names].join(', ')}}`);
    if (values.size > 0)
      throw invalid(`Value provided in ExpressionAttributeValues unused in expressions: keys: {${[...values].join(', ')}}`);
  }
}
