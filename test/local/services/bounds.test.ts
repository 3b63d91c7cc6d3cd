import { describe, expect, it } from 'vitest';
import { testEventPattern } from '../../../local/services/events/verdict.ts';
import { parseRuleSchedule, parseSchedule } from '../../../local/services/scheduler/expression.ts';

const event = (value: unknown) =>
  JSON.stringify({
    id: '1',
    'detail-type': 'd',
    source: 's',
    account: '111111111111',
    time: '2026-11-02T09:00:00Z',
    region: 'eu-central-1',
    resources: [],
    detail: { value },
  });
const matches = (value: unknown, ...numeric: unknown[]) =>
  testEventPattern(event(value), JSON.stringify({ detail: { value: [{ numeric }] } }));

describe('a number on the bound of a pattern', () => {
  it('is outside of an open bound, and inside of a closed one', () => {
    expect(matches(5, '>', 5)).toBe(false);
    expect(matches(5, '>=', 5)).toBe(true);
    expect(matches(5, '<', 5)).toBe(false);
    expect(matches(5, '<=', 5)).toBe(true);
    expect(matches(5, '>', 5, '<=', 9)).toBe(false);
    expect(matches(9, '>', 5, '<=', 9)).toBe(true);
    expect(matches(9, '>', 5, '<', 9)).toBe(false);
    expect(matches(5, '=', 5)).toBe(true);
  });
});

describe('a schedule expression', () => {
  it('has six fields, neither more nor fewer', () => {
    for (const parse of [parseRuleSchedule, (text: string) => parseSchedule(text, 'UTC')]) {
      expect(parse('cron(0 10 * * ? *)')).toBeDefined();
      expect(parse('cron(0 0 10 * * ? *)')).toBeUndefined();
      expect(parse('cron(0 10 * * ? * *)')).toBeUndefined();
      expect(parse('cron(10 * * ? *)')).toBeUndefined();
    }
  });

  it('names a day that there is', () => {
    expect(parseSchedule('at(2028-02-29T10:00:00)', 'UTC')).toBeDefined();
    expect(parseSchedule('at(2027-02-29T10:00:00)', 'UTC')).toBeUndefined();
    expect(parseSchedule('at(2027-04-31T10:00:00)', 'UTC')).toBeUndefined();
    expect(parseSchedule('at(2027-01-01T24:00:00)', 'UTC')).toBeUndefined();
  });
});
