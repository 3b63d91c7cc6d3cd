/** Which repositories a sweep looks through, however many there are and whatever is wrong with one. */
import { describe, expect, it } from 'vitest';
import type { ImageDetail } from '../../../aws/ecr.ts';
import type { Pipeline } from '../../../domain/pipeline/pipeline.ts';
import { CollectedErrors } from '../../../functions/sweeping/collected-errors.ts';
import { LATE, lostPushes, type PushWorld } from '../../../functions/sweeping/lost-pushes.ts';
import { digest } from '../../domain/parts.ts';

const names = Array.from({ length: 40 }, (_, index) => `r${String(index).padStart(2, '0')}`);
const NOW = Date.parse('2026-11-23T08:00:00Z');

/** Repositories of which each holds one push that nobody heard of. Asking one takes a second. */
function site({ broken = [] as readonly string[] } = {}) {
  const started: string[] = [];
  let time = NOW;
  let next: string | undefined;
  let asking = 0;
  let most = 0;
  const world: PushWorld = {
    pipeline: {
      repositories: Object.fromEntries(names.map((name) => [name, { name, tags: '*', order: 'push-time', platform: 'linux/amd64' }])),
    } as unknown as Pipeline,
    registry: {
      taggedImages: async (name: string): Promise<ImageDetail[]> => {
        most = Math.max(most, ++asking);
        time += 1000;
        await new Promise(setImmediate);
        asking--;
        if (broken.includes(name)) throw Object.assign(new Error(`no repository ${name}`), { name: 'RepositoryNotFoundException' });
        const pushedAt = new Date(NOW - 2 * LATE);
        return [{ digest: digest('a'), tags: ['1'], pushedAt, status: 'ACTIVE', mediaType: 'application/vnd.oci.image.manifest.v1+json' }];
      },
    } as PushWorld['registry'],
    ledger: {
      release: async () => undefined,
      putSwept: async () => {},
      putSweepNext: async (name) => {
        next = name;
      },
    },
    workflows: { start: async (_machine, name) => started.push(name) > 0 },
    releaseMachine: 'release',
  };
  const swept = Object.fromEntries(names.map((name) => [name, NOW - HOUR]));
  const sweep = async (milliseconds: number) => {
    const errors = new CollectedErrors();
    const until = time + milliseconds;
    await lostPushes(world, { swept, ...(next ? { next } : {}) }, errors, { now: () => time, until });
    return errors;
  };
  return { started, sweep, most: () => most, next: () => next };
}

const HOUR = 60 * 60_000;

describe('a sweep of pushes', () => {
  it('looks through all repositories, a few side by side', async () => {
    const { started, sweep, most, next } = site();
    await sweep(HOUR);
    expect(started).toHaveLength(names.length);
    expect(most()).toBeGreaterThan(1);
    expect(most()).toBeLessThanOrEqual(5);
    expect(next()).toBeUndefined();
  });

  it('goes on past a repository that was deleted by hand, and says so at its end', async () => {
    const { started, sweep } = site({ broken: ['r00', 'r07'] });
    const errors = await sweep(HOUR);
    expect(started).toHaveLength(names.length - 2);
    expect(() => errors.throwIfAny('sweep')).toThrow(/2 of its parts failed.*r00: RepositoryNotFoundException.*r07/);
  });

  it('stops when its time is over, and the next one begins there', async () => {
    const { started, sweep } = site();
    await sweep(12_000);
    const first = [...started];
    expect(first.length).toBeGreaterThan(0);
    expect(first.length).toBeLessThan(names.length);
    await sweep(12_000);
    const second = started.slice(first.length);
    expect(second.filter((name) => first.includes(name))).toEqual([]);
    for (let more = 0; more < 3; more++) await sweep(12_000);
    expect(new Set(started).size).toBe(names.length);
  });
});
