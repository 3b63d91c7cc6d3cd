import { describe, expect, it } from 'vitest';
import { cron } from '../../infra/schedules.ts';
import { nextDue, parseSchedule } from '../../local/services/scheduler/expression.ts';

const next = (expression: string, zone: string, after: string): string => {
  const parsed = parseSchedule(expression, zone);
  if (parsed === undefined) throw new Error(`${expression} is no schedule`);
  return new Date(nextDue(parsed, Date.parse(after), 0) ?? 0).toISOString();
};

describe('hours as a schedule', () => {
  it('fall on the weekdays and at the time of the configuration, in its zone', () => {
    const closing = cron([1, 2, 3, 4, 5], '20:00');
    expect(closing).toBe('cron(0 20 ? * MON,TUE,WED,THU,FRI *)');
    // Friday evening in Berlin, then Monday.
    expect(next(closing, 'Europe/Berlin', '2026-11-27T12:00:00Z')).toBe('2026-11-27T19:00:00.000Z');
    expect(next(closing, 'Europe/Berlin', '2026-11-27T20:00:00Z')).toBe('2026-11-30T19:00:00.000Z');
  });

  it('know Sunday as the seventh day, and minutes', () => {
    expect(cron([7], '07:05')).toBe('cron(5 7 ? * SUN *)');
    expect(next(cron([7], '07:05'), 'UTC', '2026-11-23T00:00:00Z')).toBe('2026-11-29T07:05:00.000Z');
  });
});
