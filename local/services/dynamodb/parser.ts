/** Reads condition, filter, projection and update expressions. Grammar: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html */
import { type AttributeValue, compareValues, invalid, TYPE_NAMES, type TypeName, typeOf } from './attribute.ts';
import {
  type Comparator,
  type Condition,
  type Operand,
  type Path,
  pathText,
  samePath,
  type Update,
  type UpdateValue,
} from './expression.ts';
import { ExpressionError, type Placeholders, syntaxError, type Token, tokenize } from './lexer.ts';
import { RESERVED_WORDS } from './reserved.ts';

export type ExpressionName =
  | 'ConditionExpression'
  | 'FilterExpression'
  | 'KeyConditionExpression'
  | 'ProjectionExpression'
  | 'UpdateExpression';

/** https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html */
const LONGEST = 4096;

/** @throws ServiceError ValidationException `Invalid ConditionExpression: …` */
export const parseCondition = (name: ExpressionName, text: string, placeholders: Placeholders): Condition =>
  parse(name, text, placeholders, (parser) => parser.condition());

/** @throws ServiceError ValidationException `Invalid ProjectionExpression: …` */
export const parseProjection = (text: string, placeholders: Placeholders): readonly Path[] =>
  parse('ProjectionExpression', text, placeholders, (parser) => parser.projection());

/** @throws ServiceError ValidationException `Invalid UpdateExpression: …` */
export const parseUpdate = (text: string, placeholders: Placeholders): Update =>
  parse('UpdateExpression', text, placeholders, (parser) => parser.update());

function parse<Result>(name: ExpressionName, text: string, placeholders: Placeholders, run: (parser: Parser) => Result): Result {
  try {
    if (text.trim() === '') throw new ExpressionError('The expression can not be empty;');
    if (Buffer.byteLength(text) > LONGEST)
      throw new ExpressionError(`Expression size has exceeded the maximum allowed size; expression size: ${text.length}`);
    const parser = new Parser(text, placeholders);
    const result = run(parser);
    parser.end();
    return result;
  } catch (error) {
    if (error instanceof ExpressionError) throw invalid(`Invalid ${name}: ${error.message}`);
    throw error;
  }
}

const COMPARATORS: ReadonlySet<string> = new Set(['=', '<>', '<', '<=', '>', '>=']);
const KEYWORDS: ReadonlySet<string> = new Set(['AND', 'OR', 'NOT', 'IN', 'BETWEEN']);
const CONDITION_FUNCTIONS = {
  attribute_exists: 1,
  attribute_not_exists: 1,
  attribute_type: 2,
  begins_with: 2,
  contains: 2,
  size: 1,
} as const;
const UPDATE_FUNCTIONS = { if_not_exists: 2, list_append: 2 } as const;
const SECTIONS = ['SET', 'REMOVE', 'ADD', 'DELETE'] as const;

/** How messages spell types in ADD and DELETE. */
const LONG_NAMES: Readonly<Record<TypeName, string>> = {
  S: 'STRING',
  N: 'NUMBER',
  B: 'BINARY',
  SS: 'STRING_SET',
  NS: 'NUMBER_SET',
  BS: 'BINARY_SET',
  M: 'MAP',
  L: 'LIST',
  NULL: 'NULL',
  BOOL: 'BOOLEAN',
};

class Parser {
  private readonly text: string;
  private readonly tokens: readonly Token[];
  private readonly placeholders: Placeholders;
  private at = 0;

  constructor(text: string, placeholders: Placeholders) {
    this.text = text;
    this.placeholders = placeholders;
    this.tokens = tokenize(text);
  }

  end(): void {
    if (this.token.kind !== 'end') throw this.unexpected();
  }

  // ---- conditions: OR binds loosest, then AND, then NOT, then comparisons and functions

  condition(): Condition {
    let left = this.conjunction();
    while (this.takeWord('OR')) left = { kind: 'or', left, right: this.conjunction() };
    return left;
  }

  private conjunction(): Condition {
    let left = this.negation();
    while (this.takeWord('AND')) left = { kind: 'and', left, right: this.negation() };
    return left;
  }

  private negation(): Condition {
    return this.takeWord('NOT') ? { kind: 'not', condition: this.negation() } : this.primary();
  }

  private primary(): Condition {
    if (this.token.text !== '(') return this.comparison();
    // A parenthesis opens a condition, or an operand as in `(a) = :b`.
    const start = this.at;
    const operand = this.attempt(() => this.operand());
    const next = this.token;
    if (operand !== undefined && (COMPARATORS.has(next.text) || ['IN', 'BETWEEN'].includes(next.text.toUpperCase()))) {
      this.at = start;
      return this.comparison();
    }
    this.at = start;
    this.take('(');
    const doubled = this.token.text === '(';
    const inner = this.condition();
    const close = this.at;
    this.take(')');
    if (doubled && this.wraps(start + 1, close - 1)) throw new ExpressionError('The expression has redundant parentheses;');
    return inner;
  }

  /** Whether the parenthesis at token `open` closes at token `close`. */
  private wraps(open: number, close: number): boolean {
    let depth = 0;
    for (let index = open; index <= close; index++) {
      if (this.tokens[index]!.text === '(') depth++;
      if (this.tokens[index]!.text === ')' && --depth === 0) return index === close;
    }
    return false;
  }

  private comparison(): Condition {
    const call = this.functionName();
    if (call !== undefined && call !== 'size') return this.conditionFunction(call);
    const operand = this.operand();
    const { token } = this;
    if (COMPARATORS.has(token.text)) {
      this.at++;
      const right = this.operand();
      requireDistinct(token.text, operand, right);
      return { kind: 'compare', comparator: token.text as Comparator, left: operand, right };
    }
    if (this.takeWord('BETWEEN')) {
      const low = this.operand();
      if (!this.takeWord('AND')) throw this.unexpected();
      const high = this.operand();
      requireOrdered(low, high);
      return { kind: 'between', operand, low, high };
    }
    if (this.takeWord('IN')) {
      this.take('(');
      const list = this.list(() => this.operand());
      this.take(')');
      if (list.length > 100)
        throw new ExpressionError(`The IN operator is provided with too many operands; number of operands: ${list.length}`);
      return { kind: 'in', operand, list };
    }
    if (operand.kind === 'size')
      throw new ExpressionError('The function is not allowed to be used this way in an expression; function: size');
    throw this.unexpected();
  }

  private conditionFunction(name: string): Condition {
    if (name in UPDATE_FUNCTIONS) throw new ExpressionError(`The function is not allowed in a condition expression; function: ${name}`);
    if (!(name in CONDITION_FUNCTIONS)) throw new ExpressionError(`Invalid function name; function: ${name}`);
    this.at++;
    this.take('(');
    const operands = this.list(() => this.operand());
    this.take(')');
    const expected = CONDITION_FUNCTIONS[name as keyof typeof CONDITION_FUNCTIONS];
    requireOperands(name, operands.length, expected);
    const [first, second] = operands as [Operand, Operand];
    if (second !== undefined) requireDistinct(name, first, second);
    switch (name as keyof typeof CONDITION_FUNCTIONS) {
      case 'attribute_exists':
      case 'attribute_not_exists':
        if (first.kind !== 'path')
          throw new ExpressionError(`Operator or function requires a document path; operator or function: ${name}`);
        return { kind: name as 'attribute_exists' | 'attribute_not_exists', path: first.path };
      case 'attribute_type': {
        const type = second.kind === 'value' && 'S' in second.value ? second.value.S : undefined;
        if (type === undefined) throw wrongType(name, second.kind === 'value' ? typeOf(second.value) : '{NS,SS,L,BS,N,M,B,BOOL,NULL,S}');
        if (!(TYPE_NAMES as readonly string[]).includes(type))
          throw new ExpressionError(`Invalid attribute type name found; type: ${type}, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}`);
        return { kind: 'attribute_type', operand: first, type };
      }
      case 'begins_with':
        for (const operand of operands) {
          if (operand.kind === 'size') throw wrongType(name, 'N');
          if (operand.kind === 'value' && !['S', 'B'].includes(typeOf(operand.value))) throw wrongType(name, typeOf(operand.value));
        }
        return { kind: 'begins_with', operand: first, other: second };
      case 'contains':
        return { kind: 'contains', operand: first, other: second };
      case 'size':
        throw this.unexpected();
    }
  }

  private operand(): Operand {
    if (this.token.text === '(') {
      this.at++;
      if (this.token.text === '(') {
        this.operand();
        throw new ExpressionError('The expression has redundant parentheses;');
      }
      const operand = this.operand();
      this.take(')');
      return operand;
    }
    const call = this.functionName();
    if (call !== undefined) {
      if (call !== 'size') {
        if (call in CONDITION_FUNCTIONS)
          throw new ExpressionError(`The function is not allowed to be used this way in an expression; function: ${call}`);
        if (call in UPDATE_FUNCTIONS) throw new ExpressionError(`The function is not allowed in a condition expression; function: ${call}`);
        throw new ExpressionError(`Invalid function name; function: ${call}`);
      }
      this.at++;
      this.take('(');
      const operands = this.list(() => this.operand());
      this.take(')');
      requireOperands('size', operands.length, 1);
      const of = operands[0]!;
      if (of.kind === 'size') throw new ExpressionError('The function is not allowed to be used this way in an expression; function: size');
      if (of.kind === 'value' && ['N', 'BOOL', 'NULL'].includes(typeOf(of.value))) throw wrongType('size', typeOf(of.value));
      return { kind: 'size', of };
    }
    if (this.token.kind === 'value') return { kind: 'value', value: this.value() };
    return { kind: 'path', path: this.path() };
  }

  // ---- paths and projections

  projection(): readonly Path[] {
    const paths = this.list(() => this.path());
    requireSeparate(paths);
    return paths;
  }

  private path(): Path {
    const path: (string | number)[] = [this.pathPart()];
    for (;;) {
      if (this.token.text === '.') {
        this.at++;
        path.push(this.pathPart());
      } else if (this.token.text === '[') {
        this.at++;
        if (this.token.kind !== 'number') throw this.unexpected();
        path.push(Number(this.token.text));
        this.at++;
        this.take(']');
      } else return path;
    }
  }

  private pathPart(): string {
    const { token } = this;
    if (token.kind === 'name') {
      this.at++;
      return this.placeholders.name(token.text);
    }
    if (token.kind !== 'word' || token.text.startsWith('_') || KEYWORDS.has(token.text.toUpperCase())) throw this.unexpected();
    if (RESERVED_WORDS.has(token.text.toUpperCase()))
      throw new ExpressionError(`Attribute name is a reserved keyword; reserved keyword: ${token.text}`);
    this.at++;
    return token.text;
  }

  private value(): AttributeValue {
    const { token } = this;
    if (token.kind !== 'value') throw this.unexpected();
    this.at++;
    return this.placeholders.value(token.text);
  }

  // ---- updates

  update(): Update {
    const set: { path: Path; value: UpdateValue }[] = [];
    const remove: Path[] = [];
    const add: { path: Path; value: AttributeValue }[] = [];
    const minus: { path: Path; value: AttributeValue }[] = [];
    const seen = new Set<string>();
    while (this.token.kind !== 'end') {
      const section = SECTIONS.find((name) => this.token.kind === 'word' && this.token.text.toUpperCase() === name);
      if (section === undefined) throw this.unexpected();
      if (seen.has(section)) throw new ExpressionError(`The "${section}" section can only be used once in an update expression;`);
      seen.add(section);
      this.at++;
      if (section === 'SET') set.push(...this.list(() => this.assignment()));
      else if (section === 'REMOVE') remove.push(...this.list(() => this.path()));
      else if (section === 'ADD') add.push(...this.list(() => this.pathAndValue('ADD', ['N', 'SS', 'NS', 'BS'])));
      else minus.push(...this.list(() => this.pathAndValue('DELETE', ['SS', 'NS', 'BS'])));
    }
    requireSeparate([...set, ...add, ...minus].map(({ path }) => path).concat(remove));
    return { set, remove, add, delete: minus };
  }

  private assignment(): { path: Path; value: UpdateValue } {
    const path = this.path();
    this.take('=');
    return { path, value: this.sum() };
  }

  private sum(): UpdateValue {
    const left = this.updateOperand();
    const { text } = this.token;
    if (text !== '+' && text !== '-') return left;
    this.at++;
    const right = this.updateOperand();
    for (const side of [left, right])
      if (side.kind === 'value' && !('N' in side.value)) throw wrongType(text, typeOf(side.value));
      else if (side.kind === 'list_append') throw wrongType(text, 'L');
    return { kind: text, left, right };
  }

  private updateOperand(): UpdateValue {
    if (this.token.text === '(') {
      this.at++;
      const inner = this.sum();
      this.take(')');
      return inner;
    }
    const call = this.functionName();
    if (call !== undefined) return this.updateFunction(call);
    if (this.token.kind === 'value') return { kind: 'value', value: this.value() };
    return { kind: 'path', path: this.path() };
  }

  private updateFunction(name: string): UpdateValue {
    if (name in CONDITION_FUNCTIONS) throw new ExpressionError(`The function is not allowed in an update expression; function: ${name}`);
    if (!(name in UPDATE_FUNCTIONS)) throw new ExpressionError(`Invalid function name; function: ${name}`);
    this.at++;
    this.take('(');
    const operands = this.list(() => this.sum());
    this.take(')');
    requireOperands(name, operands.length, 2);
    const [left, right] = operands as [UpdateValue, UpdateValue];
    if (name === 'if_not_exists') {
      if (left.kind !== 'path')
        throw new ExpressionError('Operator or function requires a document path; operator or function: if_not_exists');
      return { kind: 'if_not_exists', path: left.path, otherwise: right };
    }
    for (const side of operands) if (side.kind === 'value' && !('L' in side.value)) throw wrongType(name, typeOf(side.value));
    return { kind: 'list_append', left, right };
  }

  private pathAndValue(operator: 'ADD' | 'DELETE', types: readonly TypeName[]): { path: Path; value: AttributeValue } {
    const path = this.path();
    const value = this.value();
    if (!types.includes(typeOf(value)))
      throw new ExpressionError(
        `Incorrect operand type for operator or function; operator: ${operator}, operand type: ${LONG_NAMES[typeOf(value)]}, typeSet: ALLOWED_FOR_${operator}_OPERAND`,
      );
    return { path, value };
  }

  // ---- tokens

  private get token(): Token {
    return this.tokens[this.at]!;
  }

  private take(symbol: string): void {
    if (this.token.text !== symbol) throw this.unexpected();
    this.at++;
  }

  private takeWord(keyword: string): boolean {
    if (this.token.kind !== 'word' || this.token.text.toUpperCase() !== keyword) return false;
    this.at++;
    return true;
  }

  /** The word here, if a parenthesis follows it. */
  private functionName(): string | undefined {
    const { token } = this;
    if (token.kind !== 'word' || KEYWORDS.has(token.text.toUpperCase())) return undefined;
    return this.tokens[this.at + 1]!.text === '(' ? token.text : undefined;
  }

  private list<Element>(read: () => Element): Element[] {
    const elements = [read()];
    while (this.token.text === ',') {
      this.at++;
      elements.push(read());
    }
    return elements;
  }

  private attempt<Result>(read: () => Result): Result | undefined {
    try {
      return read();
    } catch (error) {
      if (error instanceof ExpressionError) return undefined;
      throw error;
    }
  }

  private unexpected(): ExpressionError {
    return syntaxError(this.text, this.tokens, this.at);
  }
}

function wrongType(operator: string, type: string): ExpressionError {
  return new ExpressionError(`Incorrect operand type for operator or function; operator or function: ${operator}, operand type: ${type}`);
}

function requireOperands(name: string, given: number, expected: number): void {
  if (given !== expected)
    throw new ExpressionError(
      `Incorrect number of operands for operator or function; operator or function: ${name}, number of operands: ${given}`,
    );
}

function requireDistinct(operator: string, first: Operand, second: Operand): void {
  if (first.kind === 'path' && second.kind === 'path' && samePath(first.path, second.path))
    throw new ExpressionError(
      `The first operand must be distinct from the remaining operands for this operator or function; operator: ${operator}, first operand: ${pathText(first.path)}`,
    );
}

function requireOrdered(low: Operand, high: Operand): void {
  if (low.kind !== 'value' || high.kind !== 'value') return;
  const show = ({ value }: { value: AttributeValue }) => `AttributeValue: {${typeOf(value)}:${Object.values(value)[0]}}`;
  const bounds = `lower bound operand: ${show(low)}, upper bound operand: ${show(high)}`;
  if (typeOf(low.value) !== typeOf(high.value))
    throw new ExpressionError(`The BETWEEN operator requires same data type for lower and upper bounds; ${bounds}`);
  if ((compareValues(low.value, high.value) ?? 0) > 0)
    throw new ExpressionError(`The BETWEEN operator requires upper bound to be greater than or equal to lower bound; ${bounds}`);
}

/** No path may lie within another, nor treat as a list what another treats as a map. */
function requireSeparate(paths: readonly Path[]): void {
  const show = (one: Path, two: Path) =>
    `must remove or rewrite one of these paths; path one: ${pathText(one)}, path two: ${pathText(two)}`;
  for (let later = 1; later < paths.length; later++)
    for (let earlier = 0; earlier < later; earlier++) {
      const [one, two] = [paths[earlier]!, paths[later]!];
      let shared = 0;
      while (shared < one.length && shared < two.length && one[shared] === two[shared]) shared++;
      if (shared === one.length || shared === two.length)
        throw new ExpressionError(`Two document paths overlap with each other; ${show(one, two)}`);
      if (typeof one[shared] !== typeof two[shared])
        throw new ExpressionError(`Two document paths conflict with each other; ${show(one, two)}`);
    }
}
