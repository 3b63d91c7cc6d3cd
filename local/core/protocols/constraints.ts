/** Lengths, ranges, patterns, required members and enum values of requests: checked here for all services, and said as AWS says it. */
import table from './constraints.json' with { type: 'json' };
import type { Shape, Structure } from './shape.ts';

export interface Constraint {
  /** Characters of a text, bytes, items of a list, entries of a map, or the number itself. */
  readonly min?: number;
  readonly max?: number;
  /** A regular expression of Java that the whole text must match. */
  readonly pattern?: string;
}

type Table = Readonly<Record<string, Readonly<Record<string, Constraint>>>>;

const PAGE = { min: 0, max: 1000 };
const TOKEN = { min: 1, max: 1024 };
const ALIAS = { min: 1, max: 80, pattern: '^(?=.*[a-zA-Z_\\-\\.])[a-zA-Z0-9_\\-\\.]+$' };
const TABLE_OR_ARN = { min: 1, max: 1024 };

/**
 * What AWS changed or added after the models that `constraints.json` was written from:
 * https://docs.aws.amazon.com/step-functions/latest/apireference/ , https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/ ,
 * https://docs.aws.amazon.com/scheduler/latest/APIReference/API_Target.html
 */
const LATER: Table = {
  states: {
    'CreateStateMachineAliasInput.name': ALIAS,
    'CreateStateMachineAliasInput.description': { max: 256 },
    'CreateStateMachineAliasInput.routingConfiguration': { min: 1, max: 2 },
    'UpdateStateMachineAliasInput.stateMachineAliasArn': { min: 1, max: 256 },
    'UpdateStateMachineAliasInput.description': { max: 256 },
    'UpdateStateMachineAliasInput.routingConfiguration': { min: 1, max: 2 },
    'RoutingConfigurationListItem.stateMachineVersionArn': { min: 1, max: 256 },
    'RoutingConfigurationListItem.weight': { min: 0, max: 100 },
    'CreateStateMachineInput.versionDescription': { max: 256 },
    'UpdateStateMachineInput.versionDescription': { max: 256 },
    'PublishStateMachineVersionInput.description': { max: 256 },
    'ListStateMachineVersionsInput.maxResults': PAGE,
    'ListStateMachineVersionsInput.nextToken': TOKEN,
    'ListStateMachineAliasesInput.maxResults': PAGE,
    'ListStateMachineAliasesInput.nextToken': TOKEN,
    'RedriveExecutionInput.clientToken': { min: 1, max: 64, pattern: '[!-~]+' },
    'TestStateInput.definition': { min: 1, max: 1_048_576 },
    'TestStateInput.input': { max: 262_144 },
    'TestStateInput.roleArn': { min: 1, max: 256 },
    'TestStateInput.stateName': { min: 1, max: 80 },
    'TestStateInput.variables': { max: 262_144 },
    'TestStateInput.context': { max: 262_144 },
    'MockInput.result': { max: 262_144 },
    'MockErrorOutput.error': { max: 256 },
    'MockErrorOutput.cause': { max: 32_768 },
    'TestStateConfiguration.retrierRetryCount': { min: 0 },
    'TestStateConfiguration.errorCausedByState': { min: 1, max: 80 },
    'TestStateConfiguration.mapIterationFailureCount': { min: 0 },
    'TestStateConfiguration.mapItemReaderData': { max: 262_144 },
    'RedriveExecutionInput.executionArn': { min: 1, max: 256 },
    'DeleteStateMachineVersionInput.stateMachineVersionArn': { min: 1, max: 2000 },
    'DeleteStateMachineAliasInput.stateMachineAliasArn': { min: 1, max: 256 },
    'DescribeStateMachineAliasInput.stateMachineAliasArn': { min: 1, max: 256 },
    'ListStateMachineAliasesInput.stateMachineArn': { min: 1, max: 256 },
    'ListStateMachineVersionsInput.stateMachineArn': { min: 1, max: 256 },
    'PublishStateMachineVersionInput.stateMachineArn': { min: 1, max: 256 },
    'ValidateStateMachineDefinitionInput.definition': { min: 1, max: 1_048_576 },
    'ValidateStateMachineDefinitionInput.maxResults': { min: 0, max: 100 },
  },
  dynamodb: Object.fromEntries(
    Object.keys(table.dynamodb)
      .filter((place) => /(\.TableName|RequestItems\{key\})$/.test(place) && !place.startsWith('CreateTable'))
      .map((place) => [place, TABLE_OR_ARN]),
  ),
  scheduler: { 'Target.RoleArn': { min: 1, max: 1600, pattern: '^arn:aws(-[a-z]+)?:iam::\\d{12}:role\\/[\\w+=,.@\\/-]+$' } },
};

/** Enum values in the order in which AWS was recorded to list them, where it is not the client's. */
const ORDERS: Readonly<Record<string, readonly string[]>> = {
  'CreateConnectionRequest.AuthorizationType': ['BASIC', 'OAUTH_CLIENT_CREDENTIALS', 'API_KEY'],
  'ListExecutionsInput.statusFilter': ['SUCCEEDED', 'TIMED_OUT', 'PENDING_REDRIVE', 'ABORTED', 'FAILED', 'RUNNING'],
};

/** Members that AWS prints of a structure and that its API does not have. */
const UNPUBLISHED: Readonly<Record<string, readonly string[]>> = { PutEventsRequestEntry: ['kmsKeyIdentifier', 'internalMetadata'] };

/** What a service asks of a place in its requests: `Target.RoleArn`, `CreateTableInput.Tags[]`, `Rules{key}`. */
export const constraintAt = (service: string, place: string): Constraint | undefined =>
  LATER[service]?.[place] ?? (table as Table)[service]?.[place];

/** One broken constraint. */
export interface Violation {
  /** As AWS writes places: `targets.1.member.id`. */
  readonly at: string;
  /** As AWS prints it, in quotation marks: `'x'`, or `null`. */
  readonly value: string;
  /** `Member must have length less than or equal to 64` */
  readonly rule: string;
}

/** Every constraint that a request breaks, in the order of its members. The request must fit its shape. */
export function violations(service: string, shape: Shape, input: object): readonly Violation[] {
  const found: Violation[] = [];
  if (shape.kind === 'structure') new Check(service, found).structure(shape, input as Record<string, unknown>, '');
  return found;
}

const lowerFirst = (name: string) => name.slice(0, 1).toLowerCase() + name.slice(1);

class Check {
  private readonly service: string;
  private readonly found: Violation[];

  constructor(service: string, found: Violation[]) {
    this.service = service;
    this.found = found;
  }

  private of(place: string): Constraint | undefined {
    return constraintAt(this.service, place);
  }

  structure(shape: Structure, value: Record<string, unknown>, path: string): void {
    for (const [name, member] of shape.members) {
      const one = value[name];
      const isMissing = one === undefined || one === null;
      if (isMissing && !shape.required.includes(name)) continue;
      const at = path === '' ? lowerFirst(name) : `${path}.${lowerFirst(name)}`;
      if (isMissing) this.found.push({ at, value: 'null', rule: 'Member must not be null' });
      else this.value(member.shape, one, at, `${shape.name}.${name}`);
    }
  }

  private value(shape: Shape, value: unknown, at: string, place: string): void {
    const rules = broken(this.of(place), shape, value);
    if (shape.kind === 'string' && shape.values !== undefined && !shape.values.has(value as string))
      rules.push(`Member must satisfy enum value set: [${(ORDERS[place] ?? [...shape.values]).join(', ')}]`);
    for (const rule of rules) this.found.push({ at, value: `'${printed(shape, value)}'`, rule });
    this.parts(shape, value, at, place);
  }

  /** What lies within a structure, list or map. */
  private parts(shape: Shape, value: unknown, at: string, place: string): void {
    if (shape.kind === 'structure') this.structure(shape, value as Record<string, unknown>, at);
    if (shape.kind === 'list') this.list(shape.item.shape, value as readonly unknown[], at, `${place}[]`, shape);
    if (shape.kind === 'map') {
      const entries = Object.entries(value as Record<string, unknown>).filter(([, one]) => one !== undefined);
      const keys = entries.map(([key]) => key);
      this.whole('Map keys must', shape.key.shape, keys, at, `${place}{key}`, shape, value);
      const held = entries.map(([, one]) => one);
      this.whole('Map value must', shape.value.shape, held, at, `${place}{value}`, shape, value);
      if (!isSimple(shape.value.shape))
        for (const [key, one] of entries) this.parts(shape.value.shape, one, `${at}.${key}.member`, `${place}{value}`);
    }
  }

  private list(item: Shape, values: readonly unknown[], at: string, place: string, shape: Shape): void {
    if (isSimple(item)) this.whole('Member must', item, values, at, place, shape, values);
    else
      values.forEach((one, index) => {
        if (one !== null) this.value(item, one, `${at}.${index + 1}.member`, place);
      });
  }

  /** Simple values within a list or map: AWS complains of the whole, once, with all that its parts must satisfy. */
  private whole(start: string, part: Shape, values: readonly unknown[], at: string, place: string, shape: Shape, value: unknown): void {
    const constraint = this.of(place);
    const allowed = part.kind === 'string' ? part.values : undefined;
    const isBroken = (one: unknown) => broken(constraint, part, one).length > 0 || (allowed !== undefined && !allowed.has(one as string));
    if (!values.some(isBroken)) return;
    const all = [
      ...allRules(constraint, part),
      ...(allowed === undefined ? [] : [`Member must satisfy enum value set: [${(ORDERS[place] ?? [...allowed]).join(', ')}]`]),
    ];
    this.found.push({ at, value: `'${printed(shape, value)}'`, rule: `${start} satisfy constraint: [${all.join(', ')}]` });
  }
}

export const isSimple = ({ kind }: Shape) => kind !== 'structure' && kind !== 'list' && kind !== 'map';

const measured = ({ kind }: Shape) => (kind === 'number' ? 'value' : 'length');
const atMost = (shape: Shape, max: number) => `Member must have ${measured(shape)} less than or equal to ${max}`;
const atLeast = (shape: Shape, min: number) => `Member must have ${measured(shape)} greater than or equal to ${min}`;
const matching = (pattern: string) => `Member must satisfy regular expression pattern: ${pattern}`;

function broken(constraint: Constraint | undefined, shape: Shape, value: unknown): string[] {
  if (constraint === undefined) return [];
  const { min, max, pattern } = constraint;
  const size = sizeOf(value);
  return [
    ...(pattern !== undefined && typeof value === 'string' && !javaExpression(pattern).test(value) ? [matching(pattern)] : []),
    ...(max !== undefined && size > max ? [atMost(shape, max)] : []),
    ...(min !== undefined && size < min ? [atLeast(shape, min)] : []),
  ];
}

const allRules = ({ min, max, pattern }: Constraint = {}, shape: Shape): string[] => [
  ...(max === undefined ? [] : [atMost(shape, max)]),
  ...(min === undefined ? [] : [atLeast(shape, min)]),
  ...(pattern === undefined ? [] : [matching(pattern)]),
];

/** What is measured of a value: see {@link Constraint}. */
export function sizeOf(value: unknown): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  if (typeof value === 'string' || Array.isArray(value)) return value.length;
  if (value instanceof Uint8Array) return value.byteLength;
  return Object.values(value as object).filter((one) => one !== undefined).length;
}

const expressions = new Map<string, RegExp>();

/** A pattern of Java, which names some classes of characters otherwise and always matches the whole text. */
export function javaExpression(pattern: string): RegExp {
  let found = expressions.get(pattern);
  if (found === undefined) {
    const ignoresCase = pattern.startsWith('(?i)') ? 'i' : '';
    const inner = pattern
      .replace(/^\(\?i\)/, '')
      .replaceAll('\\p{Print}', '[\\x20-\\x7E]')
      .replaceAll('\\p{ASCII}', '[\\x00-\\x7F]');
    const source = `^(?:${inner})$`;
    // Classes of characters and pairs of surrogates need the Unicode mode.
    found = /\\p\{|\\uD/.test(source)
      ? new RegExp(withoutNeedlessEscapes(source), `su${ignoresCase}`)
      : new RegExp(source, `s${ignoresCase}`);
    expressions.set(pattern, found);
  }
  return found;
}

/** In JavaScript's Unicode mode, which knows `\p`, only these may be escaped. */
const withoutNeedlessEscapes = (source: string) => source.replace(/\\([^pPdDwWsSbBnrtfvxu0-9^$\\.*+?()[\]{}|/-])/g, '$1');

/** As Java prints it. */
function printed(shape: Shape, value: unknown): string {
  if (value === undefined || value === null) return 'null';
  if (shape.kind === 'list') return `[${(value as readonly unknown[]).map((one) => printed(shape.item.shape, one)).join(', ')}]`;
  if (shape.kind === 'map')
    return `{${Object.entries(value)
      .map(([key, one]) => `${key}=${printed(shape.value.shape, one)}`)
      .join(', ')}}`;
  if (shape.kind === 'structure') {
    const record = value as Record<string, unknown>;
    const members = [...shape.members].map(([name, member]) => `${lowerFirst(name)}=${printed(member.shape, record[name])}`);
    const further = (UNPUBLISHED[shape.name] ?? []).map((name) => `${name}=null`);
    return `${shape.name}(${[...members, ...further].join(', ')})`;
  }
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return `java.nio.HeapByteBuffer[pos=0 lim=${value.byteLength} cap=${value.byteLength}]`;
  return String(value);
}
