/** What ran at a time, from promotions. */
import { expect, it } from 'vitest';
import type { PromotionRecord } from '../../domain/ledger/records.ts';
import { ranAt } from '../../queries/history.ts';
import { release } from '../domain/parts.ts';

const promotion = (endedAt: string, what: object, state = 'succeeded') =>
  ({ environment: 'beta', state, endedAt, release: what }) as unknown as PromotionRecord;

it('a set counts as each of its members, the last that succeeded before the time decides', () => {
  const [old, fresh, catalog] = [release('gateway', '1.0.0'), release('gateway', '2.0.0'), release('catalog', 'build-1')];
  const set = { ...release('+test', '2 of test'), members: [fresh, catalog] };
  const promotions = [promotion('2026-11-23T09:00:00Z', set), promotion('2026-11-23T08:00:00Z', old)];
  const tags = (at: string) => ranAt(promotions, Date.parse(at)).map(({ release: { tag } }) => tag);
  expect(tags('2026-11-23T08:30:00Z')).toEqual(['1.0.0']);
  expect(tags('2026-11-23T10:00:00Z')).toEqual(['build-1', '2.0.0']);
});
