/** What an execution that was cut off has left in ECS, put in order: whatever it had come to. */
import { describe, expect, it } from 'vitest';
import type { DeploymentStatus } from '../../../aws/ecs.ts';
import type { PromotionRecord, WaitRecord } from '../../../domain/ledger/records.ts';
import type { RecoveryWorld } from '../../../functions/recovery/context.ts';
import { assertInvocationsEnded, assertRecovered, LONGEST_INVOCATION } from '../../../functions/recovery/end.ts';
import { recoverPromotion } from '../../../functions/recovery/promotion.ts';
import { recoverRelease } from '../../../functions/recovery/release.ts';
import { pipeline, release as releaseOf } from '../../domain/parts.ts';

const release = releaseOf('gateway', '1.0.0');
const end = { status: 'ABORTED', stoppedAt: 0, cause: '' };

const MINUTE = 60_000;

/** Minute by minute, until it is recovered. @param statuses what ECS answers, one after the other; the last one again and again */
async function recover(kind: WaitRecord['kind'], statuses: readonly DeploymentStatus[], { stops = true }: { stops?: boolean } = {}) {
  const done: string[] = [];
  const said: string[] = [];
  const frozen: string[] = [];
  const left = [...statuses];
  let wait: WaitRecord | undefined = {
    environment: 'live',
    service: 'gateway',
    owner: 'p1',
    kind,
    token: 't',
    among: ['gateway'],
    taskDefinition: 'x',
    since: 0,
    state: 'open',
  };
  const record = { promotion: 'p1', environment: 'live', release, group: 'gateway', state: 'deploying', before: { gateway: 'old:1' } };
  const ecs = {
    deploymentStatus: async () => (left.length > 1 ? left.shift()! : left[0]!),
    stop: async () => {
      done.push('stop');
      return stops;
    },
    update: async ({ taskDefinition }: { taskDefinition: string }) => done.push(`update ${taskDefinition}`) > 0,
  };
  const world = {
    pipeline,
    parameters: { foundation: async () => ({ foundation: {}, targetGroups: {} }) },
    ledger: {
      promotion: async () => record as unknown as PromotionRecord,
      setPromotion: async (_: string, { state }: { state: string }) => said.push(state) > 0,
      wait: async () => wait,
      putWait: async (changed: WaitRecord) => {
        wait = changed;
      },
      dropWait: async () => {
        wait = undefined;
      },
      putFreeze: async ({ reason }: { reason: string }) => void frozen.push(reason),
    },
    journal: { write: async () => {} },
    turns: { end: async () => void said.push('turn given on') },
    clients: () => ({ ecs }),
  } as unknown as RecoveryWorld;
  let minutes = 1;
  for (; !(await recoverPromotion(world, 'p1', end, minutes * MINUTE)); minutes++)
    expect({ said, frozen }).toEqual({ said: [], frozen: [] });
  expect(said).toEqual(['errored', 'turn given on']);
  return { done: [...new Set(done)], frozen, minutes, isClear: wait === undefined };
}

const status = (state: DeploymentStatus['state'], more: Partial<DeploymentStatus> = {}): DeploymentStatus => ({
  state,
  reason: `it ${state}`,
  deployment: 'd1',
  ...more,
});

describe('a promotion that was cut off', () => {
  it('while it deployed: the deployment is stopped, and its turn goes on when ECS says that it is back', async () => {
    const statuses = [status('running'), status('running'), status('running'), status('running'), status('failed')];
    expect(await recover('deploy', statuses)).toEqual({ done: ['stop'], frozen: [], minutes: 3, isClear: true });
  });

  it('and ECS cannot go back from what was stopped: the environment is frozen', async () => {
    const statuses = [status('running'), status('running'), status('failed', { stuck: true })];
    expect(await recover('deploy', statuses)).toMatchObject({ frozen: [expect.stringContaining('it failed')], minutes: 2, isClear: false });
  });

  it('and ECS does not come to an end: after the minutes of a deployment the environment is frozen', async () => {
    const { deployMinutes } = pipeline.environments.live!.timeouts;
    for (const kind of ['deploy', 'put-back'] as const)
      expect(await recover(kind, [status('running')])).toMatchObject({
        frozen: [expect.stringContaining(`gateway: ECS has not gone back within ${deployMinutes} minutes`)],
        minutes: 1 + deployMinutes,
        isClear: false,
      });
  });

  it('when its deployment had completed: what ran before is deployed, and waited for', async () => {
    const statuses = [status('succeeded'), status('none'), status('running'), status('succeeded')];
    expect(await recover('deploy', statuses)).toMatchObject({ done: ['update old:1'], frozen: [], minutes: 4 });
    expect(await recover('deploy', [status('succeeded'), status('failed')])).toMatchObject({
      frozen: [expect.stringContaining('it failed')],
    });
  });

  it('when its deployment completes just before it is stopped: what ran before is deployed', async () => {
    expect(await recover('deploy', [status('running'), status('succeeded')], { stops: false })).toMatchObject({
      done: ['stop', 'update old:1'],
    });
  });

  it('before it asked ECS for anything: nothing is done', async () => {
    expect(await recover('deploy', [status('none')])).toMatchObject({ done: [], frozen: [], isClear: true });
  });

  it('while its rollback deploys what ran before: it is left to finish', async () => {
    expect(await recover('put-back', [status('running'), status('succeeded')])).toMatchObject({ done: [], frozen: [], minutes: 2 });
    expect(await recover('put-back', [status('succeeded')])).toMatchObject({ done: [], frozen: [] });
  });

  it('between writing down its rollback and asking ECS for it: it is asked for', async () => {
    expect(await recover('put-back', [status('none'), status('succeeded')])).toMatchObject({ done: ['update old:1'] });
  });

  it('while its rollback stops a deployment: it is stopped', async () => {
    expect(await recover('stop', [status('running'), status('failed')])).toMatchObject({ done: ['stop'] });
    expect(await recover('stop', [status('failed')])).toMatchObject({ done: [], frozen: [], isClear: true });
  });

  it('when ECS has no way back: the environment is frozen, and the wait stays as evidence', async () => {
    for (const [kind, seen] of [
      ['stop', status('failed', { stuck: true })],
      ['put-back', status('failed')],
      ['deploy', status('failed', { gone: true })],
    ] as const)
      expect(await recover(kind, [seen])).toMatchObject({ done: [], frozen: [expect.stringContaining('it failed')], isClear: false });
  });
});

describe('nothing is settled', () => {
  it('while a function of the execution may still act', () => {
    expect(() => assertInvocationsEnded('p1', { ...end, stoppedAt: 1 }, LONGEST_INVOCATION)).toThrow(/tried again in a minute/);
    expect(() => assertInvocationsEnded('p1', end, LONGEST_INVOCATION)).not.toThrow();
  });

  it('while ECS goes back, of which the event comes again once; then the sweep looks, and nothing is called unhandled', () => {
    expect(() => assertRecovered(false, 'p1', end, LONGEST_INVOCATION)).toThrow(/not back yet/);
    expect(() => assertRecovered(false, 'p1', end, 3 * LONGEST_INVOCATION)).not.toThrow();
    expect(() => assertRecovered(true, 'p1', end, LONGEST_INVOCATION)).not.toThrow();
  });
});

describe('a release that was cut off before it was admitted', () => {
  it('is in the ledger with the reason, under its digest', async () => {
    const put: object[] = [];
    const said: string[] = [];
    const world = {
      ledger: { release: async () => undefined, putRelease: async (record: object) => void put.push(record) },
      journal: { write: async ({ text }: { text: string }) => void said.push(text) },
    } as unknown as RecoveryWorld;
    await recoverRelease(world, 'gateway', release.digest, 'gateway-c-2', { ...end, cause: 'by hand' }, LONGEST_INVOCATION, 2);
    expect(put).toMatchObject([{ state: 'errored', attempt: 2, execution: 'gateway-c-2', reason: expect.stringContaining('by hand') }]);
    expect(said).toEqual([expect.stringContaining('errored before it was admitted')]);
  });
});
