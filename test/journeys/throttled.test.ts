/** What AWS refuses for minutes, at every call of its kind, and what must hold then: nothing errs that could wait. */
import { afterEach, describe, expect, it } from 'vitest';
import { functionName } from '../../domain/pipeline/names.ts';
import { needs } from '../../infra/permissions.ts';
import type { CallFaultKind, ObservedCall } from '../../local/core/faults.ts';
import { HOUR, Journey, MINUTE } from './journey.ts';

let journey: Journey;
afterEach(() => journey.end());

/** Every call that matches goes wrong for so long, from now on. */
function failing(kind: CallFaultKind, milliseconds: number, match: (call: ObservedCall) => boolean): () => number {
  const { faults } = journey.local.world;
  const until = journey.local.clock.now() + milliseconds;
  let struck = 0;
  faults.add({
    kind,
    times: 1_000_000,
    match: (call) => {
      const strikes = call.time < until && match(call);
      if (strikes) struck++;
      return strikes;
    },
  });
  return () => struck;
}

const isInvocation = ({ service, operation, caller }: ObservedCall) =>
  service === 'lambda' && operation === 'Invoke' && caller.includes('workflow');

describe('Lambda', () => {
  it.each<[string, CallFaultKind]>([
    ['is throttled', 'throttle'],
    ['fails', 'error-500'],
    ['does not answer', 'timeout-before'],
  ])('that %s for ten minutes keeps a release waiting, and ends nothing', async (_what, kind) => {
    journey = await Journey.begin();
    const struck = failing(kind, 10 * MINUTE, isInvocation);
    const digest = await journey.push();
    await journey.untilAsked(digest, 'beta', { limit: 2 * HOUR });
    expect(struck()).toBeGreaterThan(5);
    expect(await journey.runs('test')).toBe('1.1.0');
    expect(journey.journal).not.toContain('errored');
  });
});

describe('DynamoDB', () => {
  it('that finds another transaction at every second write costs a moment, and no step its retry', async () => {
    journey = await Journey.begin();
    let writes = 0;
    const struck = failing('conflict', 2 * HOUR, ({ invocation }) => invocation !== undefined && writes++ % 2 === 0);
    const digest = await journey.push();
    await journey.untilAsked(digest, 'beta', { limit: 2 * HOUR });
    expect(struck()).toBeGreaterThan(10);
    expect(await journey.runs('test')).toBe('1.1.0');
    const { pipeline, site } = journey.local;
    const said = Object.keys(needs).flatMap((file) => site.service('logs').lines(`/aws/lambda/${functionName(pipeline.name, file)}`));
    expect(said.length).toBeGreaterThan(10);
    // That a build has to follow is said as an error, and is none.
    expect(said.filter((line) => line.includes('step ended with an error') && !line.includes('BuildDue'))).toEqual([]);
  });
});
