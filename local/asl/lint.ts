/** Says what is wrong with a definition before it runs: what AWS refuses when a machine is created, and what could not work. */
import type { Json } from './data.ts';
import type { QueryLanguage, StateType } from './definition.ts';
import { problemsOf, type Sight } from './expression.ts';
import { ERROR_NAMES, FIELDS, JSONATA_FIELDS, JSONPATH_FIELDS, MOVING, PATH_FIELDS, TYPES } from './fields.ts';
import { requiredArguments, resourceProblem } from './integrations.ts';
import { pathProblems, ruleProblems } from './jsonpath/lint.ts';
import { parseResource } from './resource.ts';
import { expressionIn } from './template.ts';
import { parseTimestamp } from './timestamp.ts';

/** As ValidateStateMachineDefinition answers. */
export interface Finding {
  /** ERROR: AWS refuses the definition. WARNING: AWS takes it, but running it would fail there. */
  readonly severity: 'ERROR' | 'WARNING';
  readonly code: string;
  /** `/States/Deploy/Arguments`; empty where the definition is no object. */
  readonly location: string;
  readonly message: string;
}

type Fields = Readonly<Record<string, Json | undefined>>;

interface Scope {
  readonly language: QueryLanguage;
  /** Of the whole machine: where it is JSONata, no state may say otherwise. */
  readonly machine: QueryLanguage;
  readonly variables: ReadonlySet<string>;
}

const SCHEMA = 'SCHEMA_VALIDATION_FAILED';
const TRANSITION = 'MISSING_TRANSITION_TARGET';
/** AWS would take it; this machinery does not run it. */
const ABSENT = 'NOT_ON_LOCAL_AWS';

const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);

/** A field that is an expression is checked as one, and has no value yet. */
const isExpression = (value: Json | undefined): boolean => typeof value === 'string' && expressionIn(value) !== undefined;

/** What AWS says to a definition that it refuses. */
export function refusal(findings: readonly Finding[]): string | undefined {
  const errors = findings.filter(({ severity }) => severity === 'ERROR');
  if (errors.length === 0) return undefined;
  const list = errors.map(({ code, message, location }) => `${code}: ${message}${location === '' ? '' : ` at ${location}`}`);
  return `Invalid State Machine Definition: '${list.join(', ')}'`;
}

/**
 * Checks a definition.
 * @param definition parsed, or as text
 * @param type some integration patterns are for STANDARD only
 */
export function lintDefinition(definition: unknown, type: 'STANDARD' | 'EXPRESS' = 'STANDARD'): Finding[] {
  let root = definition;
  if (typeof definition === 'string')
    try {
      root = JSON.parse(definition);
    } catch {
      root = undefined;
    }
  if (!isObject(root)) return [{ severity: 'ERROR', code: SCHEMA, location: '', message: 'Definition must be a valid JSON object' }];
  return new Lint(type).machine(root);
}

/** Checks a state alone, as TestState takes it; where it goes to is not looked at. */
export function lintState(state: unknown, name: string): Finding[] {
  const lint = new Lint('STANDARD');
  const language = isObject(state) && state.QueryLanguage === 'JSONata' ? 'JSONata' : 'JSONPath';
  lint.state(isObject(state) ? state : {}, `/States/${name}`, { language, machine: 'JSONPath', variables: new Set() });
  return lint.findings.filter(({ message }) => !message.startsWith('No state assigns'));
}

class Lint {
  readonly findings: Finding[] = [];
  private readonly type: 'STANDARD' | 'EXPRESS';

  constructor(type: 'STANDARD' | 'EXPRESS') {
    this.type = type;
  }

  machine(root: Fields): Finding[] {
    const missing = ['States', 'StartAt'].filter((field) => root[field] === undefined);
    if (missing.length > 0) this.error('/', `These fields are required: [${missing.join(', ')}]`);
    for (const field of Object.keys(root))
      if (!['Comment', 'StartAt', 'States', 'Version', 'TimeoutSeconds', 'QueryLanguage'].includes(field))
        this.error('/', `The field '${field}' is not supported`);
    const language = root.QueryLanguage ?? 'JSONPath';
    if (language !== 'JSONata' && language !== 'JSONPath')
      this.error('/QueryLanguage', "The field 'QueryLanguage' should have one of these values: [JSONPath, JSONata]");
    this.whole(root.TimeoutSeconds, '/TimeoutSeconds', 1, 99_999_999);
    if (missing.length === 0)
      this.processor(root, '', { language: language as QueryLanguage, machine: language as QueryLanguage, variables: new Set() });
    return this.findings;
  }

  private processor(processor: Fields, at: string, outer: Scope): void {
    const { States, StartAt } = processor;
    if (!isObject(States)) {
      this.error(`${at}/States`, 'Value must be an object');
      return;
    }
    const names = Object.keys(States);
    if (names.length === 0) {
      this.error(`${at}/States`, 'Value cannot be empty');
      return;
    }
    const states = States as Readonly<Record<string, Json>>;
    const scope = { ...outer, variables: new Set([...outer.variables, ...names.flatMap((name) => assignedBy(states[name]))]) };
    for (const name of names) {
      const place = `${at}/States/${name}`;
      if (name.length > 80) this.error(place, 'The name of a state must have at most 80 characters');
      const state = states[name];
      if (isObject(state)) this.state(state, place, scope);
      else this.error(place, 'Value must be an object');
    }
    this.transitions(states, StartAt, at);
  }

  /** Every target exists, every state is reached, and something ends. */
  private transitions(states: Readonly<Record<string, Json>>, startAt: Json | undefined, at: string): void {
    const goes = (name: Json | undefined, place: string): string[] => {
      if (typeof name !== 'string') return [];
      if (Object.hasOwn(states, name)) return [name];
      this.add('ERROR', TRANSITION, place, `Missing '${place.split('/').at(-1)}' target: ${name}`);
      return [];
    };
    const targets = new Map<string, string[]>();
    for (const [name, state] of Object.entries(states)) {
      if (!isObject(state)) continue;
      const place = `${at}/States/${name}`;
      const listed = ['Choices', 'Catch'].flatMap((field) => {
        const list = state[field];
        return Array.isArray(list) ? list.map((one: Json, index) => [one, `${place}/${field}[${index}]/Next`] as const) : [];
      });
      targets.set(name, [
        ...goes(state.Next, `${place}/Next`),
        ...goes(state.Default, `${place}/Default`),
        ...listed.flatMap(([one, target]) => (isObject(one) ? goes(one.Next, target) : [])),
      ]);
    }
    const [start] = goes(startAt, `${at}/StartAt`);
    if (start === undefined) return;
    const reached = new Set([start]);
    for (const name of reached) for (const target of targets.get(name) ?? []) reached.add(target);
    for (const name of Object.keys(states))
      if (!reached.has(name)) this.add('ERROR', TRANSITION, `${at}/States/${name}`, `State "${name}" is not reachable.`);
  }

  state(state: Fields, at: string, outer: Scope): void {
    const type = state.Type as StateType | undefined;
    if (type === undefined) {
      this.error(at, "The field 'Type' is required but was missing");
      return;
    }
    if (!TYPES.includes(type)) {
      this.error(`${at}/Type`, `The field 'Type' should have one of these values: [${TYPES.join(', ')}]`);
      return;
    }
    const language = (state.QueryLanguage ?? outer.language) as QueryLanguage;
    if (language === 'JSONPath' && outer.machine === 'JSONata') {
      this.error(at, "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine");
      return;
    }
    const scope: Scope = { ...outer, language };
    this.fields(state, type, at, language);
    this.moving(state, type, at);
    this.expressions(state, type, at, scope);
    if (Array.isArray(state.Retry)) this.handlers(state.Retry, `${at}/Retry`, 'Retry', language);
    if (Array.isArray(state.Catch)) this.handlers(state.Catch, `${at}/Catch`, 'Catch', language);
    if (language === 'JSONPath') for (const { place, message } of pathProblems(state, type)) this.error(`${at}${place}`, message);
    if (type === 'Task') this.task(state, at, language);
    if (type === 'Choice') this.choice(state, at, language);
    if (type === 'Wait') this.wait(state, at, language);
    if (type === 'Parallel') this.parallel(state, at, scope);
    if (type === 'Map') this.map(state, at, scope);
  }

  private fields(state: Fields, type: StateType, at: string, language: QueryLanguage): void {
    const known = new Set(['Type', 'Comment', 'QueryLanguage', ...FIELDS[type], ...(language === 'JSONPath' ? PATH_FIELDS[type] : [])]);
    for (const field of Object.keys(state)) {
      if (language === 'JSONata' && JSONPATH_FIELDS.has(field))
        this.error(at, `The field '${field}' is not supported when QueryLanguage is 'JSONata'`);
      else if (language === 'JSONPath' && JSONATA_FIELDS.has(field))
        this.error(at, `The field '${field}' is not supported when QueryLanguage is 'JSONPath'`);
      else if (!known.has(field)) this.error(at, `The field '${field}' is not supported by a ${type} state`);
    }
    if (state.Assign !== undefined) {
      if (!isObject(state.Assign)) this.error(`${at}/Assign`, 'Value must be an object');
      else
        for (const name of Object.keys(state.Assign))
          this.variableName(language === 'JSONPath' ? name.replace(/\.\$$/, '') : name, `${at}/Assign`);
    }
  }

  private variableName(name: string, at: string): void {
    if (name === 'states') this.error(at, "The variable name 'states' is reserved");
    else if (name.length > 80 || !/^[\p{ID_Start}][\p{ID_Continue}]*$/u.test(name))
      this.error(at, `'${name}' is not a valid variable name`);
  }

  private moving(state: Fields, type: StateType, at: string): void {
    if (['Succeed', 'Fail', 'Choice'].includes(type)) return;
    if (state.Next === undefined && state.End !== true)
      this.error(at, state.End === false ? "'Next' is required where 'End' is false" : "These fields are required: ['Next' or 'End']");
    if (state.Next !== undefined && state.End === true) this.error(at, "'Next' and 'End' cannot both be set");
  }

  /** Every expression of the state, each with what it may see. */
  private expressions(state: Fields, type: StateType, at: string, scope: Scope): void {
    if (scope.language !== 'JSONata') return;
    const { variables } = scope;
    const ended = ['Task', 'Parallel', 'Map'].includes(type);
    const look = (value: Json | undefined, place: string, sight: Sight): void => {
      if (typeof value === 'string') {
        const source = expressionIn(value);
        if (source === undefined) {
          if (value.startsWith('{%') || value.endsWith('%}'))
            this.error(place, `The JSONata expression is not closed: it must start with '{%' and end with '%}'`);
        } else
          for (const { refused, message } of problemsOf(source, sight)) this.add(refused ? 'ERROR' : 'WARNING', SCHEMA, place, message);
      } else if (Array.isArray(value)) for (const [index, one] of value.entries()) look(one as Json, `${place}[${index}]`, sight);
      else if (isObject(value)) for (const [name, one] of Object.entries(value)) look(one, `${place}/${name}`, sight);
    };
    const before: Sight = { variables, result: false, errorOutput: false };
    const after: Sight = { variables, result: ended, errorOutput: false };
    const caught: Sight = { variables, result: false, errorOutput: true };
    for (const field of FIELDS[type]) {
      const value = state[field];
      const place = `${at}/${field}`;
      if (field === 'Assign' || field === 'Output') look(value, place, after);
      else if (field === 'Catch') {
        if (Array.isArray(value))
          for (const [index, one] of value.entries())
            if (isObject(one)) for (const name of ['Assign', 'Output']) look(one[name], `${place}[${index}]/${name}`, caught);
      } else if (!['Retry', 'Branches', 'ItemProcessor', 'Iterator', ...MOVING, 'Default', 'Resource'].includes(field))
        look(value, place, before);
    }
  }

  private handlers(list: readonly Json[], at: string, field: 'Retry' | 'Catch', language: QueryLanguage): void {
    for (const [index, one] of list.entries()) this.handler(one, index, list.length, `${at}[${index}]`, field, language);
  }

  private handler(one: Json, index: number, count: number, place: string, field: 'Retry' | 'Catch', language: QueryLanguage): void {
    if (!isObject(one)) {
      this.error(place, 'Value must be an object');
      return;
    }
    const known =
      field === 'Catch'
        ? ['Next', 'Assign', language === 'JSONata' ? 'Output' : 'ResultPath']
        : ['IntervalSeconds', 'MaxAttempts', 'BackoffRate', 'MaxDelaySeconds', 'JitterStrategy'];
    for (const name of Object.keys(one))
      if (!['ErrorEquals', 'Comment', ...known].includes(name)) this.error(place, `The field '${name}' is not supported`);
    const names = one.ErrorEquals;
    if (!Array.isArray(names) || names.length === 0) {
      this.error(`${place}/ErrorEquals`, 'Value cannot be empty');
      return;
    }
    if (names.includes('States.ALL') && (names.length > 1 || index < count - 1))
      this.error(`${place}/ErrorEquals`, "'States.ALL' must appear alone, in the last element of the list");
    for (const name of names)
      if (typeof name === 'string' && name.startsWith('States.') && !ERROR_NAMES.has(name))
        this.add('WARNING', SCHEMA, `${place}/ErrorEquals`, `There is no error '${name}'`);
    if (field === 'Catch') {
      if (one.Next === undefined) this.error(place, "The field 'Next' is required but was missing");
      return;
    }
    this.whole(one.IntervalSeconds, `${place}/IntervalSeconds`, 1, 99_999_999);
    this.whole(one.MaxAttempts, `${place}/MaxAttempts`, 0, 99_999_999);
    this.whole(one.MaxDelaySeconds, `${place}/MaxDelaySeconds`, 1, 31_622_400);
    const rate = one.BackoffRate;
    if (rate !== undefined && (typeof rate !== 'number' || rate < 1))
      this.error(`${place}/BackoffRate`, 'Value must be a number of at least 1.0');
    if (typeof one.MaxDelaySeconds === 'number' && typeof one.IntervalSeconds === 'number' && one.MaxDelaySeconds < one.IntervalSeconds)
      this.error(place, "'MaxDelaySeconds' must be greater than 'IntervalSeconds'");
    if (one.JitterStrategy !== undefined && one.JitterStrategy !== 'FULL' && one.JitterStrategy !== 'NONE')
      this.error(`${place}/JitterStrategy`, "The field 'JitterStrategy' should have one of these values: [FULL, NONE]");
  }

  private task(state: Fields, at: string, language: QueryLanguage): void {
    if (typeof state.Resource !== 'string') {
      this.error(at, "The field 'Resource' is required but was missing");
      return;
    }
    const resource = parseResource(state.Resource);
    const problem = resourceProblem(resource, state.Resource, this.type);
    if (problem !== undefined) this.error(`${at}/Resource`, problem);
    this.arguments(state, at, resource, language);
    const { Credentials } = state;
    if (Credentials !== undefined && (!isObject(Credentials) || (Credentials.RoleArn ?? Credentials['RoleArn.$']) === undefined))
      this.error(`${at}/Credentials`, "The field 'RoleArn' is required but was missing");
    this.whole(state.TimeoutSeconds, `${at}/TimeoutSeconds`, 1, 99_999_999, language);
    this.whole(state.HeartbeatSeconds, `${at}/HeartbeatSeconds`, 1, 99_999_999, language);
    const { TimeoutSeconds, HeartbeatSeconds } = state;
    if (typeof TimeoutSeconds === 'number' && typeof HeartbeatSeconds === 'number' && HeartbeatSeconds >= TimeoutSeconds)
      this.error(at, "'HeartbeatSeconds' must be smaller than 'TimeoutSeconds'");
  }

  private arguments(state: Fields, at: string, resource: ReturnType<typeof parseResource>, language: QueryLanguage): void {
    const field = language === 'JSONata' ? 'Arguments' : 'Parameters';
    const given = state[field];
    const required = requiredArguments(resource);
    // Arguments that are one expression, or missing in a neutral state, are known only when it runs.
    if (given === undefined && required.length > 0) this.error(at, `The field '${required[0]}' is required but was missing`);
    if (!isObject(given)) return;
    const names = new Set(Object.keys(given).map((name) => (language === 'JSONPath' ? name.replace(/\.\$$/, '') : name)));
    for (const name of required) if (!names.has(name)) this.error(`${at}/${field}`, `The field '${name}' is required but was missing`);
    if (resource?.kind !== 'integration') return;
    for (const name of names)
      if (/^[a-z]/.test(name) && resource.service !== 'lambda')
        this.error(`${at}/${field}`, `The field '${name}' is not supported by Step Functions: names of parameters start with a capital`);
    const token = language === 'JSONata' ? '$states.context' : '$$.Task.Token';
    if (resource.pattern === 'token' && !JSON.stringify(given).includes(token))
      this.add('WARNING', SCHEMA, `${at}/${field}`, 'Nothing passes the token of the task on, so nobody can answer');
  }

  private choice(state: Fields, at: string, language: QueryLanguage): void {
    const { Choices } = state;
    if (!Array.isArray(Choices)) {
      this.error(at, "The field 'Choices' is required but was missing");
      return;
    }
    if (Choices.length === 0) this.error(`${at}/Choices`, 'Value cannot be empty');
    for (const [index, choice] of Choices.entries()) this.rule(choice as Json, `${at}/Choices[${index}]`, language);
    if (state.Default === undefined)
      this.add('WARNING', SCHEMA, at, "There is no 'Default': the state fails with States.NoChoiceMatched if no rule matches");
  }

  private rule(choice: Json, place: string, language: QueryLanguage): void {
    if (language === 'JSONPath') {
      for (const problem of ruleProblems(choice, place)) this.error(problem.place, problem.message);
      return;
    }
    if (!isObject(choice)) {
      this.error(place, 'Value must be an object');
      return;
    }
    for (const name of ['Condition', 'Next'])
      if (choice[name] === undefined) this.error(place, `The field '${name}' is required but was missing`);
    for (const name of Object.keys(choice))
      if (!['Condition', 'Next', 'Assign', 'Output', 'Comment'].includes(name)) this.error(place, `The field '${name}' is not supported`);
    if (choice.Condition !== undefined && typeof choice.Condition !== 'boolean' && !isExpression(choice.Condition))
      this.error(`${place}/Condition`, 'Value must be a boolean or a JSONata expression');
  }

  private wait(state: Fields, at: string, language: QueryLanguage): void {
    const set = ['Seconds', 'Timestamp', 'SecondsPath', 'TimestampPath'].filter((field) => state[field] !== undefined);
    if (set.length !== 1) this.error(at, `Exactly one of 'Seconds' and 'Timestamp' must be set`);
    this.whole(state.Seconds, `${at}/Seconds`, 0, 99_999_999, language);
    const { Timestamp } = state;
    if (
      Timestamp !== undefined &&
      !(language === 'JSONata' && isExpression(Timestamp)) &&
      (typeof Timestamp !== 'string' || parseTimestamp(Timestamp) === undefined)
    )
      this.error(`${at}/Timestamp`, 'String does not match RFC3339 timestamp');
  }

  private parallel(state: Fields, at: string, scope: Scope): void {
    const { Branches } = state;
    if (!Array.isArray(Branches)) {
      this.error(at, "The field 'Branches' is required but was missing");
      return;
    }
    if (Branches.length === 0) this.error(`${at}/Branches`, 'Value cannot be empty');
    for (const [index, branch] of Branches.entries()) this.inner(branch as Json, `${at}/Branches[${index}]`, scope);
  }

  private map(state: Fields, at: string, scope: Scope): void {
    const field = state.ItemProcessor === undefined && state.Iterator !== undefined ? 'Iterator' : 'ItemProcessor';
    const processor = state[field];
    if (processor === undefined) {
      this.error(at, "The field 'ItemProcessor' is required but was missing");
      return;
    }
    const config = isObject(processor) && isObject(processor.ProcessorConfig) ? processor.ProcessorConfig : undefined;
    const distributed = config?.Mode === 'DISTRIBUTED';
    // A distributed Map's children are executions of their own and see no variables of this one.
    this.inner(processor, `${at}/${field}`, distributed ? { ...scope, variables: new Set() } : scope);
    if (config !== undefined && config.Mode !== 'INLINE' && config.Mode !== 'DISTRIBUTED')
      this.error(`${at}/${field}/ProcessorConfig/Mode`, "The field 'Mode' should have one of these values: [INLINE, DISTRIBUTED]");
    if (!distributed)
      for (const name of ['ItemReader', 'ItemBatcher', 'ResultWriter', 'Label'])
        if (state[name] !== undefined) this.error(at, `The field '${name}' is supported in a Map state of the mode DISTRIBUTED only`);
    if (state.ResultWriter !== undefined)
      this.add('ERROR', ABSENT, `${at}/ResultWriter`, 'local AWS does not write the results of a Map to S3');
    const { language } = scope;
    this.whole(state.MaxConcurrency, `${at}/MaxConcurrency`, 0, 99_999_999, language);
    this.whole(state.ToleratedFailureCount, `${at}/ToleratedFailureCount`, 0, 99_999_999, language);
    const percentage = state.ToleratedFailurePercentage;
    if (
      percentage !== undefined &&
      !(language === 'JSONata' && isExpression(percentage)) &&
      (typeof percentage !== 'number' || percentage < 0 || percentage > 100)
    )
      this.error(`${at}/ToleratedFailurePercentage`, 'Value must be a number from 0 to 100');
    const { Items } = state;
    if (Items !== undefined && !Array.isArray(Items) && !isExpression(Items) && scope.language === 'JSONata')
      this.error(`${at}/Items`, 'Value must be an array or a JSONata expression');
  }

  private inner(processor: Json, at: string, scope: Scope): void {
    if (!isObject(processor)) {
      this.error(at, 'Value must be an object');
      return;
    }
    const missing = ['States', 'StartAt'].filter((field) => processor[field] === undefined);
    if (missing.length > 0) {
      this.error(at, `These fields are required: [${missing.join(', ')}]`);
      return;
    }
    this.processor(processor, at, { ...scope, language: (processor.QueryLanguage as QueryLanguage | undefined) ?? scope.language });
  }

  /** A field that is a whole number or absent. @param language JSONata, where an expression may stand in its place */
  private whole(value: Json | undefined, at: string, least: number, most: number, language: QueryLanguage = 'JSONPath'): void {
    if (value === undefined || (language === 'JSONata' && isExpression(value))) return;
    if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most)
      this.error(at, `Value must be a whole number from ${least} to ${most}`);
  }

  private error(location: string, message: string): void {
    this.add('ERROR', SCHEMA, location, message);
  }

  private add(severity: Finding['severity'], code: string, location: string, message: string): void {
    this.findings.push({ severity, code, location, message });
  }
}

/** The variables that a state assigns, on any of its ways out. */
function assignedBy(state: Json | undefined): string[] {
  if (!isObject(state)) return [];
  const lists = [state.Catch, state.Choices].flatMap((list) => (Array.isArray(list) ? (list as readonly Json[]) : []));
  return [state, ...lists].flatMap((one) =>
    isObject(one) && isObject(one.Assign) ? Object.keys(one.Assign).map((name) => name.replace(/\.\$$/, '')) : [],
  );
}
