/** What holds for every workflow, read from its file. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import validate from 'asl-validator';
import { describe, expect, it } from 'vitest';
import * as errors from '../../domain/workflow/errors.ts';
import { lintDefinition } from '../../local/asl/lint.ts';

const folder = resolve(import.meta.dirname, '../../statemachines');

interface Retrier {
  readonly ErrorEquals: readonly string[];
  readonly IntervalSeconds?: number;
  readonly BackoffRate?: number;
  readonly MaxAttempts?: number;
  readonly MaxDelaySeconds?: number;
  readonly JitterStrategy?: string;
}

interface State {
  readonly Type: string;
  readonly Resource?: string;
  readonly Next?: string;
  readonly TimeoutSeconds?: number | string;
  readonly Catch?: readonly { readonly ErrorEquals: readonly string[]; readonly Next: string }[];
  readonly Retry?: readonly Retrier[];
  readonly ItemProcessor?: Machine;
}

interface Machine {
  readonly States: Readonly<Record<string, State>>;
}

const files = readdirSync(folder).filter((file) => file.endsWith('.asl.json'));
/** Placeholders filled with an ARN, as CloudFormation fills them. */
const read = (file: string): Machine & object =>
  JSON.parse(readFileSync(join(folder, file), 'utf8').replace(/\$\{\w+\}/g, 'arn:aws:lambda:eu-central-1:111111111111:function:f:1'));

function* states(machine: Machine): Generator<[string, State]> {
  for (const [name, state] of Object.entries(machine.States)) {
    yield [name, state];
    if (state.ItemProcessor) yield* states(state.ItemProcessor);
  }
}

/** Seconds that a retrier goes on at most; with full jitter it is half of that on average. */
function patienceOf({
  IntervalSeconds = 1,
  BackoffRate = 2,
  MaxAttempts = 3,
  MaxDelaySeconds = Number.POSITIVE_INFINITY,
}: Retrier): number {
  const waits = Array.from({ length: MaxAttempts }, (_, attempt) => Math.min(IntervalSeconds * BackoffRate ** attempt, MaxDelaySeconds));
  return waits.reduce((sum, wait) => sum + wait, 0);
}

const kebab = (name: string) => name.replace(/(?<!^)[A-Z]/g, (letter) => `-${letter}`).toLowerCase();
/** Errors of AWS's own, and of steps' own classes. */
const KNOWN = new Set([...Object.keys(errors), 'States.ALL', 'States.Timeout', 'States.TaskFailed']);
/** What an integrated service answered, by the names that Step Functions gives them. */
const OF_A_SERVICE = /^(StepFunctions|CodeBuild|Lambda)\.[A-Z]\w+Exception$/;

describe.each(files)('%s', (file) => {
  const machine = read(file);

  it('is what AWS would take', () => {
    expect(validate(machine).errors ?? []).toEqual([]);
    expect(lintDefinition(machine)).toEqual([]);
  });

  it('has a time-out and a catch of everything at each task', () => {
    for (const [name, state] of states(machine)) {
      if (state.Type !== 'Task') continue;
      expect(state.TimeoutSeconds, `${name} has a time-out`).toBeDefined();
      expect(
        state.Catch?.some(({ ErrorEquals }) => ErrorEquals.includes('States.ALL')),
        `${name} catches everything`,
      ).toBe(true);
    }
  });

  it('outlasts minutes in which Lambda itself is throttled or fails, whatever went wrong in the step before', () => {
    const ofLambda = ['TooManyRequestsException', 'ServiceException', 'SdkClientException', 'AWSLambdaException'].map(
      (name) => `Lambda.${name}`,
    );
    for (const [name, { Resource = '', Retry = [] }] of states(machine)) {
      if (!Resource.includes('lambda:invoke')) continue;
      const at = Retry.findIndex(({ ErrorEquals }) => ofLambda.every((error) => ErrorEquals.includes(error)));
      expect(at, `${name} has a retrier of its own for Lambda`).toBeGreaterThanOrEqual(0);
      expect(Retry[at], name).toMatchObject({ ErrorEquals: ofLambda, JitterStrategy: 'FULL' });
      expect(patienceOf(Retry[at]!) / 2, `seconds on average in ${name}`).toBeGreaterThan(15 * 60);
      const before = Retry.slice(0, at).filter(({ MaxAttempts }) => MaxAttempts !== 0);
      expect(
        before.some(({ ErrorEquals }) => ErrorEquals.includes('States.ALL')),
        `nothing takes it before in ${name}`,
      ).toBe(false);
    }
  });

  it('catches only errors that somebody throws, and says why each state is there', () => {
    for (const [name, state] of states(machine))
      for (const { ErrorEquals } of [...(state.Catch ?? []), ...(state.Retry ?? [])])
        for (const error of ErrorEquals) if (!OF_A_SERVICE.test(error)) expect(KNOWN, `${name} catches ${error}`).toContain(error);
  });

  it('ends red: every way of failing leads to a Fail state', () => {
    const own = Object.entries(machine.States);
    expect(own.some(([, { Type }]) => Type === 'Fail')).toBe(true);
    const fails = own.filter(([, { Type }]) => Type === 'Fail').map(([name]) => name);
    for (const name of fails) expect(JSON.stringify(machine), `${name} carries the first cause`).toContain(`"${name}"`);
  });

  it('calls functions that exist, by the names of their states', () => {
    const functions = readdirSync(resolve(folder, '../functions')).filter((name) => name.endsWith('.ts'));
    for (const [, placeholder = ''] of readFileSync(join(folder, file), 'utf8').matchAll(/"FunctionName": "\$\{(\w+)\}"/g))
      expect(functions).toContain(`${kebab(placeholder)}.ts`);
  });
});

it('every error that a step throws for its workflow is caught by name somewhere', () => {
  const all = files.map((file) => readFileSync(join(folder, file), 'utf8')).join();
  const unseen = Object.keys(errors).filter((name) => !all.includes(`"${name}"`) && !all.includes(`'${name}'`));
  // A turn that was lost, or a cluster that still drains, is retried or ends as errored: nobody tells them apart from others.
  expect(unseen).toEqual(['ClusterBusy']);
});
