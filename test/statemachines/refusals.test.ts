/** What an integrated service refuses has a text for a cause, not JSON: the workflows must take it as it comes. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Json } from '../../local/asl/data.ts';
import type { Definition } from '../../local/asl/definition.ts';
import { StateError } from '../../local/asl/error.ts';
import { begin } from '../local/asl/machines.ts';

type States = Record<string, { Next?: string; Default?: string; Choices?: { Next: string }[]; Catch?: { Next: string }[] }>;

/** A workflow of ours that begins at one of its states, with the variables that it would have there; what it cannot reach is left out. */
function from(file: string, state: string, variables: object): Definition {
  const text = readFileSync(resolve(import.meta.dirname, `../../statemachines/${file}.asl.json`), 'utf8').replace(/\$\{(\w+)\}/g, '$1');
  const definition = JSON.parse(text) as Definition & { States: States };
  const all: States = { Seed: { Type: 'Pass', Assign: variables, Next: state } as never, ...definition.States };
  const reached = new Set<string>();
  const visit = (name: string) => {
    if (reached.has(name)) return;
    reached.add(name);
    const { Next, Default, Choices = [], Catch = [] } = all[name]!;
    for (const next of [Next, Default, ...[...Choices, ...Catch].map((one) => one.Next)]) if (next) visit(next);
  };
  visit('Seed');
  return { ...definition, StartAt: 'Seed', States: Object.fromEntries(Object.entries(all).filter(([name]) => reached.has(name))) as never };
}

const promotion = {
  promotion: { promotion: 'p', release: { repository: 'r', tag: 't' } },
  fence: 1,
  project: 'acme-test-smoke',
  verifySeconds: 60,
  deploySeconds: 60,
  outcome: { outcome: 'succeeded', reason: '' },
};

const stage = {
  start: { repository: 'r', digest: 'd', attempt: 1 },
  release: {},
  plan: [
    {
      stage: 'live+sandbox',
      approval: false,
      environments: [
        { environment: 'live', turnSeconds: 60 },
        { environment: 'sandbox', turnSeconds: 60 },
      ],
    },
  ],
  next: 0,
  stage: 'live+sandbox',
  outcome: { outcome: 'succeeded', reason: '' },
};

describe('a build that CodeBuild refuses to start', () => {
  it('is rolled back, with its words for a reason', async () => {
    const called: string[] = [];
    const run = begin(from('promotion', 'RunBuild', promotion));
    run.environment.request = async ({ resource, arguments: given }) => {
      const name = resource.kind === 'lambda' ? 'lambda' : String((given as { FunctionName?: string }).FunctionName ?? 'startBuild');
      called.push(name);
      if (name === 'startBuild') throw new StateError('CodeBuild.AccountLimitExceededException', 'Cannot have more than 0 builds');
      return { Payload: {} };
    };
    const { status, error, cause } = await run.run();
    expect(called).toContain('RollBack');
    expect({ status, error }).toEqual({ status: 'FAILED', error: 'errored' });
    expect(cause).toContain('Cannot have more than 0 builds');
  });
});

describe('a promotion that Step Functions refuses to start', () => {
  it('does not stop its sibling', async () => {
    const run = begin(from('release', 'PromoteStage', stage), {}, {
      follow: () => ({
        result: Promise.resolve({ Output: { outcome: 'succeeded', reason: '' } }),
        stop: () => Promise.reject(new Error('stopped')),
      }),
    } as never);
    let tries = 0;
    run.environment.request = async ({ arguments: given }): Promise<Json> => {
      const { FunctionName, Name } = given as { FunctionName?: string; Name?: string };
      if (FunctionName !== undefined) return { Payload: {} };
      if (!Name?.startsWith('sandbox')) return { ExecutionArn: 'live' };
      tries++;
      throw new StateError('StepFunctions.ThrottlingException', 'Rate exceeded (Service: AWSStepFunctions; Status Code: 400)');
    };
    const { status, error, cause } = await run.run();
    expect({ status, error }).toEqual({ status: 'FAILED', error: 'errored' });
    expect(cause).toBe('sandbox: StepFunctions.ThrottlingException Rate exceeded (Service: AWSStepFunctions; Status Code: 400)');
    expect(tries).toBe(6);
  });

  it('is tried again while it is only throttled', async () => {
    const run = begin(from('release', 'PromoteStage', stage), {}, {
      follow: () => ({ result: Promise.resolve({ Output: { outcome: 'succeeded', reason: '' } }), stop: () => Promise.resolve() }),
    } as never);
    let tries = 0;
    run.environment.request = async ({ arguments: given }): Promise<Json> => {
      const { FunctionName, Name } = given as { FunctionName?: string; Name?: string };
      if (FunctionName !== undefined) return { Payload: { outcome: 'succeeded' } };
      if (Name?.startsWith('sandbox') && tries++ < 2) throw new StateError('StepFunctions.ThrottlingException', 'Rate exceeded');
      return { ExecutionArn: 'x' };
    };
    expect(await run.run()).toMatchObject({ status: 'SUCCEEDED' });
  });
});
