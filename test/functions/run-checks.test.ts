/** Verification over HTTP has a minute, whatever it asks. */
import { describe, expect, it } from 'vitest';
import type { WaitRecord } from '../../domain/ledger/records.ts';
import type { HttpCheck } from '../../domain/pipeline/pipeline.ts';
import type { Moment } from '../../functions/handler/step.ts';
import { runChecks } from '../../functions/run-checks.ts';
import { foundation, pipeline, release } from '../domain/parts.ts';

const check = (path: string, attempts = 3): HttpCheck => ({ path, status: 200, attempts });

/** @param takes seconds until an answer comes, by path; none comes after ten */
async function verify(http: readonly HttpCheck[], takes: Readonly<Record<string, number>>) {
  let time = 0;
  const asked: string[] = [];
  const live = pipeline.environments.live!;
  const run = runChecks({
    pipeline: { ...pipeline, environments: { ...pipeline.environments, live: { ...live, verification: { http } } } },
    ledger: { setPromotion: async () => true, wait: async () => undefined },
    logs: { lastLines: async () => [] },
    fetch: async (url) => {
      const { pathname } = new URL(String(url));
      asked.push(pathname);
      const seconds = takes[pathname] ?? 0;
      time += Math.min(seconds, 10) * 1000;
      if (seconds > 10) throw new Error('The operation was aborted due to timeout');
      return new Response('fine');
    },
    pause: async (milliseconds) => {
      time += milliseconds;
    },
  });
  const input = {
    promotion: 'p',
    environment: 'live',
    stage: 'live',
    releaseRun: 'c',
    release: release('gateway', '1.0.0'),
    host: foundation.host,
  };
  const failure = await run(input, { now: () => time } as Moment).then(
    () => undefined,
    (error: Error) => `${error.name}: ${error.message}`,
  );
  return { failure, asked, seconds: time / 1000 };
}

describe('the checks of a deployment', () => {
  it('pass when all answer', async () => {
    const { failure, asked } = await verify([check('/a'), check('/b')], { '/a': 9 });
    expect(failure).toBeUndefined();
    expect(asked).toEqual(['/a', '/b']);
  });

  it('say what did not answer, before the time of their function is over', async () => {
    const { failure, seconds } = await verify([check('/a'), check('/hangs', 10)], { '/hangs': 60 });
    expect(failure).toMatch(
      /^VerificationFailed: .*\/hangs in live: no answer \(.*timeout\), at attempt 4 of 10; all checks together have 45 s$/,
    );
    expect(seconds).toBeLessThan(55);
  });

  it('say which was not asked any more', async () => {
    const paths = ['/a', '/b', '/c', '/d', '/e', '/f', '/g'];
    const { failure, seconds } = await verify(
      paths.map((path) => check(path)),
      Object.fromEntries(paths.map((path) => [path, 9])),
    );
    expect(failure).toMatch(/\/f in live: it was not asked, as those before it took too long/);
    expect(seconds).toBeLessThan(55);
  });
});

it('leave people the time that is left of the pause, which began before them', async () => {
  const live = pipeline.environments.live!;
  const MINUTE = 60_000;
  const run = runChecks({
    pipeline: { ...pipeline, environments: { ...pipeline.environments, live: { ...live, verification: { http: [] } } } },
    ledger: { setPromotion: async () => true, wait: async () => ({ pausedAt: 10 * MINUTE }) as WaitRecord },
    logs: { lastLines: async () => [] },
    fetch: async () => new Response('fine'),
    pause: async () => undefined,
  });
  const input = {
    promotion: 'p',
    environment: 'live',
    stage: 'live',
    releaseRun: 'c',
    release: release('gateway', '1.0.0'),
    host: foundation.host,
  };
  const { next } = await run({ ...input, listener: 'test' }, { now: () => 25 * MINUTE } as Moment);
  // A minute before ECS loses its patience of an hour.
  expect(next).toMatchObject({ confirmSeconds: 59 * 60, confirmUntil: 69 * MINUTE });
});
