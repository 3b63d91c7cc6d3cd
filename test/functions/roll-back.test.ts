/** The rollback against an ECS that is faster than it: what was to be stopped had completed. */
import { describe, expect, it } from 'vitest';
import type { DeploymentStatus } from '../../aws/ecs.ts';
import type { Answer } from '../../aws/step-functions.ts';
import type { PromotionRecord, WaitRecord } from '../../domain/ledger/records.ts';
import { TurnLost } from '../../domain/workflow/errors.ts';
import { onEcsEvent } from '../../functions/on-ecs-event.ts';
import { rollBack } from '../../functions/roll-back.ts';
import { pipeline, release as releaseOf } from '../domain/parts.ts';

const release = releaseOf('gateway', '1.0.0');
const moment = { now: () => 1_000_000, logger: { info() {}, warn() {} }, count() {} } as never;

/** ECS answers the statuses given, one after the other; the last one again and again. */
function scene(statuses: readonly DeploymentStatus[], { hasTurn = true } = {}) {
  const environment = Object.keys(pipeline.environments)[0]!;
  const group = Object.values(pipeline.groups).find(({ repositories }) => repositories.includes('gateway'))!;
  const service = group.services[0]!;
  const done: string[] = [];
  const answers: Answer[] = [];
  const waits = new Map<string, WaitRecord>();
  const wait: WaitRecord = {
    environment,
    service,
    owner: 'p1',
    kind: 'deploy',
    token: 't0',
    among: [service],
    taskDefinition: 'new:2',
    since: 0,
    state: 'failed',
  };
  waits.set(service, wait);
  const record = { promotion: 'p1', environment, release, before: { [service]: 'old:1' } } as unknown as PromotionRecord;
  const left = [...statuses];
  const ecs = {
    deploymentStatus: async () => (left.length > 1 ? left.shift()! : left[0]!),
    stop: async () => void done.push('stop'),
    update: async ({ taskDefinition }: { taskDefinition: string }) => done.push(`update ${taskDefinition}`) > 0,
    lastStopped: async () => undefined,
  };
  const world = {
    pipeline,
    parameters: { foundation: async () => ({ foundation: {}, targetGroups: {} }) },
    ledger: {
      promotion: async () => record,
      setPromotion: async () => true,
      wait: async (_: string, name: string) => waits.get(name),
      waitsOf: async (_: string, names: readonly string[]) => names.map((name) => waits.get(name)),
      putWait: async (one: WaitRecord) => void waits.set(one.service, one),
      endWait: async (one: WaitRecord, fields: object) => waits.set(one.service, { ...waits.get(one.service)!, ...fields }).size > 0,
      dropWait: async ({ service: name }: { service: string }) => void waits.delete(name),
      dropService: async () => {},
    },
    journal: { write: async () => {} },
    turns: {
      assertTurn: async () => {
        if (!hasTurn) throw new TurnLost(environment, 'p1');
      },
    },
    outbox: {
      answer: async (_: string, answer: Answer) => answers.push(answer) > 0,
      tell: async (_: string, answer: Answer) => answers.push(answer) > 0,
    },
    clients: () => ({ ecs }),
  } as never;
  const begin = (token: string) =>
    rollBack(world)(
      {
        act: 'begin',
        promotion: 'p1',
        environment,
        stage: environment,
        releaseRun: 'c1',
        release,
        fence: 1,
        token,
        outcome: { outcome: 'failed', reason: 'a check failed' },
      },
      moment,
    );
  const event = () =>
    onEcsEvent(world)(
      {
        source: 'aws.ecs',
        detail: { eventName: 'SERVICE_DEPLOYMENT_COMPLETED' },
        resources: [`arn:aws:ecs:r:1:service/${pipeline.name}-${environment}/${service}`],
      },
      moment,
    );
  return { begin, event, done, answers, wait: () => waits.get(service) };
}

const running: DeploymentStatus = { state: 'running', reason: '', deployment: 'd1' };

describe('a rollback', () => {
  it('that stops a deployment is over when ECS has rolled it back', async () => {
    const { begin, event, done, answers } = scene([running, { state: 'failed', reason: 'rolled back' }]);
    await begin('t1');
    await event();
    expect(done).toEqual(['stop']);
    expect(answers).toMatchObject([{ result: {} }]);
  });

  it('that comes too late to stop a deployment puts back what ran before', async () => {
    const { begin, event, done, answers, wait } = scene([running, { state: 'succeeded', reason: 'completed' }]);
    await begin('t1');
    await event();
    expect(answers).toMatchObject([{ error: 'StoppedTooLate' }]);
    await begin('t2');
    expect(done).toEqual(['stop', 'update old:1']);
    expect(wait()).toMatchObject({ kind: 'put-back', state: 'open', token: 't2', taskDefinition: 'old:1' });
  });

  it('that ECS cannot carry out has failed, whatever the reason that ECS gives', async () => {
    const { begin, answers } = scene([{ state: 'failed', reason: 'no capacity', stuck: true }]);
    await begin('t1');
    expect(answers).toMatchObject([{ error: 'RollbackFailed', cause: expect.stringContaining('no capacity') }]);
  });

  it('whose own deployment breaks has failed, though ECS went back to what it wanted to leave', async () => {
    const { begin, event, done, answers } = scene([
      { state: 'succeeded', reason: '' },
      { state: 'failed', reason: 'rolled back' },
    ]);
    await begin('t1');
    await event();
    expect(done).toEqual(['update old:1']);
    expect(answers).toMatchObject([{ error: 'RollbackFailed' }]);
  });

  it('whose turn has passed on asks ECS for nothing, and leaves its wait as it is', async () => {
    const { begin, done, wait } = scene([running], { hasTurn: false });
    await expect(begin('t1')).rejects.toMatchObject({ name: 'TurnLost' });
    expect(done).toEqual([]);
    expect(wait()).toMatchObject({ kind: 'deploy', token: 't0' });
  });
});
