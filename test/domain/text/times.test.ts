import { expect, it } from 'vitest';
import { clockTime, dayTime, inZone } from '../../../domain/text/times.ts';

const summer = Date.parse('2026-07-31T22:05:00Z');

it('says an instant by the day and the clock of a zone', () => {
  expect(dayTime(summer, 'Europe/Berlin')).toBe('Sat 1 Aug 00:05');
  expect(dayTime(summer, 'UTC')).toBe('Fri 31 Jul 22:05');
  expect(clockTime(summer, 'Europe/Berlin')).toBe('Sat 00:05');
  expect(clockTime(Date.parse('2026-12-01T09:00:00Z'), 'Europe/Berlin')).toBe('Tue 10:00');
});

it('says nothing of what is no time', () => {
  expect(dayTime(Number.NaN, 'UTC')).toBe('');
});

it('says the instants of a sentence, and leaves what only looks like one', () => {
  expect(inZone('until 2026-07-31T22:05:00.000Z, not 2026-07-31T22:05', 'Europe/Berlin')).toBe(
    'until Sat 1 Aug 00:05, not 2026-07-31T22:05',
  );
});
