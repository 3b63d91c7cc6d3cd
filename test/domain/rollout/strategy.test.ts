/** How long traffic takes to shift, by strategy. */
import { expect, it } from 'vitest';
import { type Shifting, shiftMinutes } from '../../../domain/rollout/strategy.ts';

it.each([
  ['blue/green bakes', { kind: 'blue-green', percent: 100, stepBakeMinutes: 0 }, 5],
  ['a canary has one step, however small', { kind: 'canary', percent: 5, stepBakeMinutes: 10 }, 15],
  ['a canary of everything has none', { kind: 'canary', percent: 100, stepBakeMinutes: 10 }, 5],
  ['linear has as many as it takes, less the last', { kind: 'linear', percent: 30, stepBakeMinutes: 6 }, 23],
] as const)('%s', (_, own, minutes) => {
  const shifting: Shifting = { bakeMinutes: 5, confirm: false, pauseMinutes: 60, ...own };
  expect(shiftMinutes(shifting)).toBe(minutes);
});
