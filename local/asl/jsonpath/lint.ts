/** Says what is wrong with the paths, templates and rules of a JSONPath state. */
import type { Json } from '../data.ts';
import type { StateType } from '../definition.ts';
import { parseTimestamp } from '../timestamp.ts';
import { COMBINATIONS, COMPARISONS, OPERATORS, TYPE_TESTS } from './choice.ts';
import { parseExpression } from './expression.ts';
import { parsePath } from './reader.ts';

type Fields = Readonly<Record<string, Json | undefined>>;

/** At a place below the state: `/Parameters`. */
export interface PathProblem {
  readonly place: string;
  readonly message: string;
}

const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Any path, or null, which discards. */
const SELECTING = ['InputPath', 'OutputPath'];
/** Paths to one place, in the input, the context or a variable. */
const REFERENCES = [
  'SecondsPath',
  'TimestampPath',
  'TimeoutSecondsPath',
  'HeartbeatSecondsPath',
  'MaxConcurrencyPath',
  'ToleratedFailureCountPath',
  'ToleratedFailurePercentagePath',
];
/** Fields that stand for each other. */
const EITHER = [
  ['TimeoutSeconds', 'TimeoutSecondsPath'],
  ['HeartbeatSeconds', 'HeartbeatSecondsPath'],
  ['MaxConcurrency', 'MaxConcurrencyPath'],
  ['ToleratedFailureCount', 'ToleratedFailureCountPath'],
  ['ToleratedFailurePercentage', 'ToleratedFailurePercentagePath'],
  ['Error', 'ErrorPath'],
  ['Cause', 'CausePath'],
  ['Parameters', 'ItemSelector'],
] as const;
const TEMPLATES = ['Parameters', 'ResultSelector', 'ItemSelector', 'Assign', 'Credentials'];

const isReference = (value: Json | undefined): boolean => typeof value === 'string' && parsePath(value)?.reference === true;

export function pathProblems(state: Fields, type: StateType): PathProblem[] {
  const problems: PathProblem[] = [];
  const add = (place: string, message: string) => problems.push({ place, message });
  for (const field of SELECTING)
    if (state[field] !== undefined && state[field] !== null && (typeof state[field] !== 'string' || parsePath(state[field]) === undefined))
      add(`/${field}`, 'Value is not a valid JSONPath');
  for (const field of REFERENCES)
    if (state[field] !== undefined && !isReference(state[field])) add(`/${field}`, 'Value is not a Reference Path');
  const { ItemsPath: items } = state;
  if (items !== undefined && (typeof items !== 'string' || parsePath(items) === undefined))
    add('/ItemsPath', 'Value is not a valid JSONPath');
  for (const field of ['ErrorPath', 'CausePath'])
    if (state[field] !== undefined && !isReference(state[field]) && parseExpression(String(state[field]))?.kind !== 'call')
      add(`/${field}`, 'Value is not a Reference Path or an intrinsic function call');
  problems.push(...resultPath(state, ''));
  for (const [one, other] of EITHER)
    if (state[one] !== undefined && state[other] !== undefined) add('', `You cannot specify both '${one}' and '${other}'`);
  for (const field of TEMPLATES) if (state[field] !== undefined) problems.push(...templateProblems(state[field], `/${field}`));
  if (Array.isArray(state.Catch))
    for (const [index, one] of state.Catch.entries())
      if (isObject(one)) {
        problems.push(...resultPath(one, `/Catch[${index}]`));
        if (one.Assign !== undefined) problems.push(...templateProblems(one.Assign, `/Catch[${index}]/Assign`));
      }
  if (type === 'Map') problems.push(...distributed(state));
  return problems;
}

/** Only the input can be written to. */
function resultPath({ ResultPath: value }: Fields, at: string): PathProblem[] {
  if (value === undefined || value === null) return [];
  const path = typeof value === 'string' ? parsePath(value) : undefined;
  return path?.reference === true && path.scope.kind === 'input'
    ? []
    : [{ place: `${at}/ResultPath`, message: 'Value is not a Reference Path' }];
}

function distributed({ ItemReader, ItemBatcher }: Fields): PathProblem[] {
  const problems: PathProblem[] = [];
  if (isObject(ItemReader)) {
    if (ItemReader.Parameters !== undefined) problems.push(...templateProblems(ItemReader.Parameters, '/ItemReader/Parameters'));
    const config = isObject(ItemReader.ReaderConfig) ? ItemReader.ReaderConfig : {};
    if (config.MaxItemsPath !== undefined && !isReference(config.MaxItemsPath))
      problems.push({ place: '/ItemReader/ReaderConfig/MaxItemsPath', message: 'Value is not a Reference Path' });
  }
  if (isObject(ItemBatcher)) {
    if (ItemBatcher.BatchInput !== undefined) problems.push(...templateProblems(ItemBatcher.BatchInput, '/ItemBatcher/BatchInput'));
    for (const field of ['MaxItemsPerBatchPath', 'MaxInputBytesPerBatchPath'])
      if (ItemBatcher[field] !== undefined && !isReference(ItemBatcher[field]))
        problems.push({ place: `/ItemBatcher/${field}`, message: 'Value is not a Reference Path' });
  }
  return problems;
}

/** Members that end with `.$` hold a path or a call, and no other member has their name. */
function templateProblems(template: Json, place: string): PathProblem[] {
  if (Array.isArray(template)) return template.flatMap((one: Json, index) => templateProblems(one, `${place}[${index}]`));
  if (!isObject(template)) return [];
  return Object.entries(template).flatMap(([name, value]): PathProblem[] => {
    if (!name.endsWith('.$')) return templateProblems(value!, `${place}/${name}`);
    if (Object.hasOwn(template, name.slice(0, -2))) return [{ place, message: `Duplicate field: '${name.slice(0, -2)}'` }];
    if (typeof value === 'string' && parseExpression(value) !== undefined) return [];
    return [
      {
        place: `${place}/${name}`,
        message: `The value for the field '${name}' must be a valid JSONPath or a valid intrinsic function call`,
      },
    ];
  });
}

/** @param top the rule stands in Choices itself, so it says where to go */
export function ruleProblems(rule: Json, place: string, top = true): PathProblem[] {
  if (!isObject(rule)) return [{ place, message: 'Value must be an object' }];
  const problems: PathProblem[] = [];
  const add = (message: string, at = place) => problems.push({ place: at, message });
  if (top && rule.Next === undefined) add("The field 'Next' is required but was missing");
  if (!top && rule.Next !== undefined) add("The field 'Next' is supported in a rule of 'Choices' only");
  const known = ['Variable', 'Comment', ...(top ? ['Next', 'Assign'] : []), ...COMBINATIONS, ...OPERATORS];
  for (const name of Object.keys(rule)) if (!known.includes(name) && name !== 'Next') add(`The field '${name}' is not supported`);
  if (rule.Assign !== undefined) problems.push(...templateProblems(rule.Assign, `${place}/Assign`));
  const operators = Object.keys(rule).filter((name) => COMBINATIONS.includes(name) || OPERATORS.includes(name));
  const [operator] = operators;
  if (operator === undefined || operators.length > 1) {
    add('A rule must have exactly one comparison operator');
    return problems;
  }
  const value = rule[operator]!;
  if (operator === 'Not') return [...problems, ...ruleProblems(value, `${place}/Not`, false)];
  if (COMBINATIONS.includes(operator)) {
    if (!Array.isArray(value) || value.length === 0) add('Value must be a non-empty array', `${place}/${operator}`);
    else for (const [index, one] of value.entries()) problems.push(...ruleProblems(one as Json, `${place}/${operator}[${index}]`, false));
    return problems;
  }
  if (rule.Variable === undefined) add("The field 'Variable' is required but was missing");
  else if (typeof rule.Variable !== 'string' || parsePath(rule.Variable) === undefined)
    add('Value is not a valid JSONPath', `${place}/Variable`);
  const wrong = operandProblem(operator, value);
  if (wrong !== undefined) add(wrong, `${place}/${operator}`);
  return problems;
}

function operandProblem(operator: string, value: Json): string | undefined {
  if (operator.endsWith('Path')) return isReference(value) ? undefined : 'Value is not a Reference Path';
  if (operator === 'BooleanEquals' || TYPE_TESTS.includes(operator))
    return typeof value === 'boolean' ? undefined : 'Value must be a boolean';
  if (!COMPARISONS.includes(operator) || operator.startsWith('String'))
    return typeof value === 'string' ? undefined : 'Value must be a string';
  if (operator.startsWith('Numeric')) return typeof value === 'number' ? undefined : 'Value must be a number';
  return typeof value === 'string' && parseTimestamp(value) !== undefined ? undefined : 'String does not match RFC3339 timestamp';
}
