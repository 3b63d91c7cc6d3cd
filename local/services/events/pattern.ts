/**
 * Event patterns: compiled from their JSON text, refused in AWS's words.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
 */
import { type AddressRange, parseCidr } from './cidr.ts';
import { PatternSyntaxError, type TokenKind, TokenReader } from './tokens.ts';

/** What one value of an event may be. */
export type Test =
  | { readonly kind: 'equals'; readonly value: string | number | boolean | null }
  | { readonly kind: 'prefix' | 'suffix'; readonly text: string; readonly ignoreCase: boolean }
  | { readonly kind: 'equals-ignore-case'; readonly text: string }
  | { readonly kind: 'wildcard'; readonly expression: RegExp }
  | { readonly kind: 'numeric'; readonly low?: Bound; readonly high?: Bound }
  | { readonly kind: 'cidr'; readonly range: AddressRange }
  | { readonly kind: 'exists'; readonly wanted: boolean }
  | { readonly kind: 'not'; readonly tests: readonly Test[] };

interface Bound {
  readonly value: number;
  readonly open: boolean;
}

/** Tests by dotted path: all paths must hold, each by one of its tests. */
export type Branch = ReadonlyMap<string, readonly Test[]>;

/** One branch, or one for each way through its `$or`s. */
export type EventPattern = readonly Branch[];

/** What a match may be negated for in `anything-but`. */
const negatable = ['equals-ignore-case', 'prefix', 'suffix', 'wildcard'] as const;
type Negatable = (typeof negatable)[number];

/** What a service's own version of the pattern language knows. */
export interface Dialect {
  /** Whether a value may be a `wildcard` expression. */
  readonly wildcard: boolean;
  /** Whether a prefix or suffix may ignore case. */
  readonly affixIgnoringCase: boolean;
  /** What may stand negated in `anything-but`. */
  readonly negatable: readonly Negatable[];
  /** Numbers are compared up to this, in both directions. */
  readonly largest: number;
  /** The same, as the error says it. */
  readonly largestText: string;
}

/** What EventBridge takes. */
const EVENT_BRIDGE: Dialect = { wildcard: true, affixIgnoringCase: true, negatable, largest: 5e9, largestText: '5.0E9' };

const reservedInOr = new Set([
  'exactly',
  'prefix',
  'suffix',
  'cidr',
  'numeric',
  'anything-but',
  'exists',
  'wildcard',
  'equals-ignore-case',
]);

/** A pattern may have this many wildcards in one string. AWS computes a complexity that it does not publish; this is our estimate. */
const MAX_WILDCARDS = 5;

const TOO_COMPLEX =
  'Rule is too complex - try using fewer wildcard characters or fewer repeating character sequences after a wildcard character';

/**
 * @param dialect of the service that matches @default EventBridge's
 * @throws PatternSyntaxError with the reason as AWS words it
 */
export function compilePattern(text: string, dialect = EVENT_BRIDGE): EventPattern {
  return new Compiler(text, dialect).compile();
}

/** Whether a value is a wildcard expression, and what it matches. `*` is any run of characters, a backslash takes it literally. */
function wildcard(reader: TokenReader, text: string): RegExp {
  let expression = '';
  let stars = 0;
  for (let index = 0; index < text.length; index++) {
    const character = text[index]!;
    if (character === '\\') {
      const next = text[++index];
      if (next !== '*' && next !== '\\') reader.fail(`Invalid escape character at pos ${index}`);
      expression += `\\${next}`;
    } else if (character === '*') {
      if (text[index + 1] === '*') reader.fail(`Consecutive wildcard characters at pos ${index + 1}`);
      stars++;
      expression += '[^]*';
    } else expression += character.replace(/[.+?^${}()|[\]/-]/, '\\$&');
  }
  if (stars > MAX_WILDCARDS) throw new PatternSyntaxError(TOO_COMPLEX);
  return new RegExp(`^${expression}$`);
}

class Compiler {
  private readonly reader: TokenReader;
  private readonly dialect: Dialect;

  constructor(text: string, dialect: Dialect) {
    this.reader = new TokenReader(text);
    this.dialect = dialect;
  }

  compile(): EventPattern {
    if (this.reader.next() !== '{') this.reader.fail('Filter is not an object');
    return this.fields([new Map()], '', false);
  }

  /** The fields of an object, added to every branch. */
  private fields(branches: Branch[], path: string, inOr: boolean): Branch[] {
    const { reader } = this;
    let current = branches;
    let any = false;
    while (reader.next() !== '}') {
      any = true;
      const name = reader.text();
      if (name === '$or') {
        current = this.alternatives(current, path);
        continue;
      }
      if (inOr && reservedInOr.has(name)) reader.fail(`${name} is Ruler reserved fieldName which cannot be used inside $or.`);
      const full = path === '' ? name : `${path}.${name}`;
      const value = reader.next();
      if (value === '{') current = this.fields(current, full, inOr);
      else if (value === '[') {
        const tests = this.tests();
        current = current.map((branch) => new Map(branch).set(full, tests));
      } else reader.fail(`"${name}" must be an object or an array`);
    }
    if (!any) reader.fail('Empty objects are not allowed');
    return current;
  }

  private alternatives(branches: Branch[], path: string): Branch[] {
    const { reader } = this;
    if (reader.next() !== '[') reader.fail('It must be an Array followed with $or.');
    const all: Branch[] = [];
    let count = 0;
    for (let token = reader.next(); token !== ']'; token = reader.next()) {
      if (token !== '{') reader.fail('Only JSON object is allowed in array of $or relationship.');
      all.push(...this.fields(branches, path, true));
      count++;
    }
    if (count < 2) reader.fail('There must have at least 2 Objects in $or relationship.');
    return all;
  }

  private tests(): Test[] {
    const { reader } = this;
    const tests: Test[] = [];
    for (let token = reader.next(); token !== ']'; token = reader.next()) {
      if (token === '{') tests.push(this.expression());
      else tests.push({ kind: 'equals', value: this.scalar(token, 'Match value must be String, number, true, false, or null') });
    }
    if (tests.length === 0) reader.fail('Empty arrays are not allowed');
    return tests;
  }

  private scalar(token: TokenKind | undefined, complaint: string): string | number | boolean | null {
    switch (token) {
      case 'string':
        return this.reader.text();
      case 'number':
        return Number(this.reader.text());
      case 'true':
      case 'false':
        return token === 'true';
      case 'null':
        return null;
      default:
        return this.reader.fail(complaint);
    }
  }

  private string(complaint: string): string {
    if (this.reader.next() !== 'string') this.reader.fail(complaint);
    return this.reader.text();
  }

  private end(complaint = 'Only one key allowed in match expression'): void {
    if (this.reader.next() !== '}') this.reader.fail(complaint);
  }

  /** The inside of `{ "<operator>": … }`. */
  private expression(): Test {
    const { reader } = this;
    if (reader.next() !== 'name') reader.fail('Match expression name not found');
    const operator = reader.text();
    switch (operator) {
      case 'exactly':
        return this.closed({ kind: 'equals', value: this.string('exact match pattern must be a string') });
      case 'prefix':
      case 'suffix':
        return this.affix(operator);
      case 'equals-ignore-case':
        return this.closed({ kind: operator, text: this.string('equals-ignore-case match pattern must be a string') });
      case 'wildcard':
        if (!this.dialect.wildcard) return reader.fail(`Unrecognized match type ${operator}`);
        return this.closed({ kind: operator, expression: wildcard(reader, this.string('wildcard match pattern must be a string')) });
      case 'cidr':
        return this.closed({ kind: operator, range: this.cidr() });
      case 'exists': {
        const value = reader.next();
        if (value !== 'true' && value !== 'false') reader.fail('exists match pattern must be either true or false.');
        return this.closed({ kind: operator, wanted: value === 'true' });
      }
      case 'numeric': {
        if (reader.next() !== '[') reader.fail('Value of numeric must be an array.');
        const test = this.numeric();
        this.end('Too many elements in numeric expression');
        return test;
      }
      case 'anything-but':
        return this.anythingBut();
      default:
        return reader.fail(`Unrecognized match type ${operator}`);
    }
  }

  private closed(test: Test): Test {
    this.end();
    return test;
  }

  private affix(kind: 'prefix' | 'suffix'): Test {
    const { reader } = this;
    const word = kind === 'prefix' ? 'Prefix' : 'Suffix';
    const value = reader.next();
    if (value === '{' && this.dialect.affixIgnoringCase) {
      if (reader.next() !== 'name') reader.fail(`${word} expression name not found`);
      if (reader.text() !== 'equals-ignore-case') reader.fail(`Unsupported ${kind} pattern: ${reader.text()}`);
      const text = this.string('equals-ignore-case match pattern must be a string');
      this.end();
      return this.closed({ kind, text, ignoreCase: true });
    }
    if (value !== 'string') reader.fail(`${kind} match pattern must be a string`);
    return this.closed({ kind, text: reader.text(), ignoreCase: false });
  }

  private cidr(): AddressRange {
    // The wrong word is AWS's own.
    const text = this.string('prefix match pattern must be a string');
    try {
      return parseCidr(text);
    } catch (error) {
      // Without a place: AWS gives none here.
      throw new PatternSyntaxError((error as Error).message);
    }
  }

  private number(operator: string): number {
    const { reader } = this;
    if (reader.next() !== 'number') reader.fail(`Value of ${operator} must be numeric`);
    const value = Number(reader.text());
    const { largest, largestText } = this.dialect;
    if (Math.abs(value) > largest) reader.fail(`Value must be between -${largestText} and ${largestText}, inclusive`);
    return value;
  }

  private numeric(): Test {
    const { reader } = this;
    if (reader.next() !== 'string') reader.fail(`Invalid member in numeric match: ${reader.text()}`);
    const operator = reader.text();
    const only = (test: Test): Test => {
      if (reader.next() !== ']') reader.fail('Too many elements in numeric expression');
      return test;
    };
    switch (operator) {
      case '=': {
        const value = this.number('equals');
        return only({ kind: 'numeric', low: { value, open: false }, high: { value, open: false } });
      }
      case '<':
      case '<=':
        return only({ kind: 'numeric', high: { value: this.number(operator), open: operator === '<' } });
      case '>':
      case '>=': {
        const low = { value: this.number(operator), open: operator === '>' };
        const token = reader.next();
        if (token === ']') return { kind: 'numeric', low };
        if (token !== 'string') reader.fail(`Bad value in numeric range: ${reader.text()}`);
        const second = reader.text();
        if (second !== '<' && second !== '<=') reader.fail(`Bad numeric range operator: ${second}`);
        const high = { value: this.number(second), open: second === '<' };
        if (reader.next() !== ']') reader.fail('Too many terms in numeric range expression');
        if (high.value < low.value || (high.value === low.value && (low.open || high.open))) reader.fail('Bottom must be less than top');
        return { kind: 'numeric', low, high };
      }
      default:
        // AWS looks at what follows before it complains, and then names that place.
        reader.next();
        return reader.fail(`Unrecognized numeric range operator: ${operator}`);
    }
  }

  private anythingBut(): Test {
    const { reader } = this;
    let token = reader.next();
    let inner: Negatable | undefined;
    if (token === '{') {
      if (reader.next() !== 'name') reader.fail('Anything-But expression name not found');
      const name = reader.text();
      inner = this.dialect.negatable.find((each) => each === name);
      if (inner === undefined) reader.fail(`Unsupported anything-but pattern: ${name}`);
      token = reader.next();
    }
    if (token !== '[' && token !== 'string' && token !== 'number')
      reader.fail('Value of anything-but must be an array or single string/number value.');
    const tests = token === '[' ? this.list(inner) : [inner ? this.negated(inner, token) : this.plain(token)];
    if (token === '[' && inner === undefined) {
      const kinds = new Set(tests.map((test) => test.kind === 'equals' && typeof test.value));
      if (kinds.size !== 1) reader.fail('Inside anything but list, either all values are number or string, mixed type is not supported');
    }
    this.end('Too many elements in numeric expression');
    if (inner) this.end('Too many elements in numeric expression');
    return { kind: 'not', tests };
  }

  private plain(token: TokenKind | undefined): Test {
    if (token !== 'string' && token !== 'number') this.reader.fail('Inside anything but list, start|null|boolean is not supported.');
    return { kind: 'equals', value: this.scalar(token, '') };
  }

  /** The values of a list. What is wrong with one of them AWS says with its place, and then says the place again. */
  private list(inner: Negatable | undefined): Test[] {
    const { reader } = this;
    const tests: Test[] = [];
    try {
      for (let token = reader.next(); token !== ']'; token = reader.next())
        tests.push(inner ? this.negated(inner, token) : this.plain(token));
    } catch (error) {
      if (error instanceof PatternSyntaxError && error.message.includes('\n at ')) reader.fail(error.message);
      throw error;
    }
    return tests;
  }

  private negated(kind: Negatable, token: TokenKind | undefined): Test {
    const { reader } = this;
    if (token !== 'string') {
      if (kind === 'equals-ignore-case')
        reader.fail('Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported.');
      reader.fail(kind === 'wildcard' ? 'wildcard match pattern must be a string' : 'prefix/suffix match pattern must be a string');
    }
    const text = reader.text();
    switch (kind) {
      case 'equals-ignore-case':
        return { kind, text };
      case 'wildcard':
        return { kind, expression: wildcard(reader, text) };
      case 'prefix':
      case 'suffix':
        if (text === '') reader.fail('Null prefix/suffix not allowed');
        return { kind, text, ignoreCase: false };
    }
  }
}
