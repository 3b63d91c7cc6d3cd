/** The doors of all functions: what is not what a step takes never gets in, and the message names the member. */
import { readdirSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { digest } from '../domain/parts.ts';

const folder = resolve(import.meta.dirname, '../../functions');

const release = { repository: 'gateway', digest: digest('a'), tag: '1.0.0', order: '1', pushedAt: '2026-11-23T08:00:00.000Z' };
const promotion = { promotion: 'p1', environment: 'test', stage: 'test', releaseRun: 'c1', release };
const outcome = { outcome: 'failed', reason: 'x' };
const service = 'arn:aws:ecs:r:1:service/acme-test/gateway';

const ticket = { ticket: 'a', execution: 'e', askedAt: 0, environment: 'test', token: 't' };
const waking = { environment: 'test', execution: 'e' };

/** Good inputs of each function, of only what it needs; a sweep needs nothing. */
const good: Readonly<Record<string, readonly object[]>> = {
  'admit-release': [{ repository: 'gateway', digest: digest('a'), attempt: 1, stages: null, cause: 'push', execution: 'e' }],
  'complete-promotion': [{ ...promotion, outcome }],
  'complete-release': [{ execution: 'c1', repository: 'gateway', digest: digest('a'), attempt: 1, stage: null, release: null, outcome }],
  decide: [{ requestContext: { requestId: 'r', http: { method: 'POST' } } }],
  'deploy-services': [{ ...promotion, fence: 1 }],
  'migrate-databases': [{ ...promotion, fence: 1 }],
  notify: [{ Records: [{ eventName: 'INSERT', dynamodb: {} }] }],
  'on-ecs-event': [{ source: 'aws.ecs', resources: [service], detail: {} }],
  'on-execution-ended': [
    {
      source: 'aws.states',
      detail: { executionArn: 'a', stateMachineArn: 'b', name: 'c', status: 'ABORTED', stopDate: null, input: null },
    },
  ],
  'on-image-push': [
    { source: 'aws.ecr', account: '1', region: 'r', detail: { 'action-type': 'PUSH', result: 'SUCCESS', 'repository-name': 'gateway' } },
  ],
  'on-migration-ended': [{ source: 'aws.ecs', detail: { taskDefinitionArn: 'a', lastStatus: 'STOPPED' } }],
  'post-notice': [{ Records: [{ Sns: { Message: '{}' } }] }],
  'register-task-definitions': [promotion],
  'request-approval': [{ release, stage: 'beta', execution: 'e', attempt: 1, token: 't', approvalSeconds: 1 }],
  'request-confirmation': [{ ...promotion, token: 't', confirmUntil: 1, url: 'u' }],
  'roll-back': [
    { ...promotion, act: 'begin', fence: 1, token: 't', outcome },
    { ...promotion, act: 'observe' },
  ],
  'run-checks': [{ ...promotion, host: 'beta.example.com' }],
  'shift-traffic': [
    { ...promotion, act: 'begin', fence: 1, token: 't' },
    { ...promotion, act: 'observe' },
  ],
  sweep: [{}],
  'take-turn': [
    { ...ticket, kind: 'environment', cause: 'hours' },
    { ...ticket, kind: 'group', stage: 'test', releaseRun: 'c1', release },
  ],
  'teardown-environment': [
    { ...waking, act: 'services', fence: 1 },
    { ...waking, act: 'complete', fence: 1, outcome },
  ],
  'wake-environment': [
    { ...waking, act: 'begin', cause: 'need' },
    { ...waking, act: 'restore', group: 'g', token: 't' },
    { ...waking, act: 'give-up', outcome },
  ],
};

type Handler = (event: unknown, context: object) => Promise<unknown>;
const handlerOf = async (name: string): Promise<Handler> => ((await import(`${folder}/${name}.ts`)) as { handler: Handler }).handler;
const call = async (name: string, event: unknown): Promise<Error> => {
  const context = { awsRequestId: 'r', functionName: name, functionVersion: '1', memoryLimitInMB: '256', invokedFunctionArn: 'a' };
  return (await handlerOf(name))(event, context).then(
    () => new Error('it went through'),
    (error: Error) => error,
  );
};

/** An object without one member, for each of its members, and of the objects in it. */
function* without(value: unknown, path: readonly string[] = []): Generator<{ readonly path: string; readonly event: unknown }> {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    const rest = Array.isArray(value) ? value.with(Number(key), undefined) : { ...value, [key]: undefined };
    yield { path: [...path, key].join('.'), event: rest };
    for (const deeper of without(inner, [...path, key]))
      yield { ...deeper, event: Array.isArray(value) ? value.with(Number(key), deeper.event) : { ...value, [key]: deeper.event } };
  }
}

const steps = readdirSync(folder)
  .filter((name) => name.endsWith('.ts'))
  .map((file) => basename(file, '.ts'));
const inputs = Object.entries(good).flatMap(([name, events]) => events.map((event) => [name, event] as const));

it('every function has a door', () => {
  expect(Object.keys(good).toSorted()).toEqual(steps.toSorted());
});

describe('a function', () => {
  it.each(inputs)('%s lets in what it takes: %j', async (name, event) => {
    // Beyond the door it misses what only its stack gives it.
    expect((await call(name, event)).message).toMatch(/ENOENT.*pipeline.json|the environment variable \w+ is missing/);
  });

  it.each(inputs)('%s refuses what lacks any part of %j, and names it', async (name, event) => {
    for (const { path, event: wanting } of without(event)) {
      const { name: kind, message } = await call(name, wanting);
      expect({ without: path, kind }).toEqual({ without: path, kind: 'MalformedInputError' });
      expect(message).toContain(`${name}: `);
      expect(message).toContain(path.split('.').at(-1)!);
    }
  });

  it.each(steps)('%s refuses what is no object at all', async (name) => {
    for (const event of [null, 'x', 7]) expect(await call(name, event)).toMatchObject({ name: 'MalformedInputError' });
  });
});
