/** Schedule expressions of EventBridge rules and of EventBridge Scheduler, which do not accept the same ones, and when they come due. */
import { type Cron, daysOf, parseCron } from './cron.ts';
import { localTime, momentOf } from './zone.ts';

export type ScheduleExpression =
  | { readonly kind: 'at'; readonly moment: number | undefined }
  | { readonly kind: 'rate'; readonly milliseconds: number }
  | { readonly kind: 'cron'; readonly cron: Cron; readonly zone: string };

const units: Readonly<Record<string, number>> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };

function parseCronExpression(text: string, zone: string): ScheduleExpression | undefined {
  const inner = /^cron\((.*)\)$/.exec(text)?.[1];
  const cron = inner === undefined ? undefined : parseCron(inner);
  return cron && { kind: 'cron', cron, zone };
}

/**
 * An expression of a rule: `rate` with one for the singular and others for the plural, or `cron` in UTC.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
 * @returns nothing if AWS refuses it
 */
export function parseRuleSchedule(text: string): ScheduleExpression | undefined {
  const rate = /^rate\(([1-9]\d*) (minute|hour|day)(s?)\)$/.exec(text);
  if (rate === null) return parseCronExpression(text, 'UTC');
  const [, value, unit, plural] = rate;
  if ((value === '1') === (plural === 's')) return undefined;
  return { kind: 'rate', milliseconds: Number(value) * units[unit!]! };
}

/**
 * An expression of a schedule: `at`, `rate`, or `cron` in the schedule's zone.
 * https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
 * @returns nothing if AWS refuses it
 */
export function parseSchedule(text: string, zone: string): ScheduleExpression | undefined {
  const at = /^at\((\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)\)$/.exec(text);
  if (at) {
    const [year, month, day, hour, minute, second] = at.slice(1).map(Number) as [number, number, number, number, number, number];
    const real = new Date(Date.UTC(year, month - 1, day, hour, minute, second));
    if (real.toISOString().slice(0, 19) !== text.slice(3, 22)) return undefined;
    return { kind: 'at', moment: momentOf(zone, { year, month, day, hour, minute, second }) };
  }
  const rate = /^rate\(([1-9]\d*) (minute|hour|day)s?\)$/.exec(text);
  if (rate) return { kind: 'rate', milliseconds: Number(rate[1]) * units[rate[2]!]! };
  return parseCronExpression(text, zone);
}

/**
 * The first moment after `after` (milliseconds since the epoch) at which an expression is due.
 * A time that clocks skip is skipped; one that they show twice comes once.
 * @param anchor where a rate counts from
 */
export function nextDue(expression: ScheduleExpression, after: number, anchor: number): number | undefined {
  switch (expression.kind) {
    case 'at':
      return expression.moment !== undefined && expression.moment > after ? expression.moment : undefined;
    case 'rate': {
      if (anchor > after) return anchor;
      return anchor + (Math.floor((after - anchor) / expression.milliseconds) + 1) * expression.milliseconds;
    }
    case 'cron':
      return nextCron(expression.cron, expression.zone, after);
  }
}

function nextCron(cron: Cron, zone: string, after: number): number | undefined {
  const from = localTime(zone, after);
  for (const year of cron.years) {
    if (year < from.year) continue;
    for (const month of cron.months) {
      if (year === from.year && month < from.month) continue;
      for (const day of daysOf(cron, year, month)) {
        if (year === from.year && month === from.month && day < from.day) continue;
        for (const hour of cron.hours)
          for (const minute of cron.minutes) {
            const moment = momentOf(zone, { year, month, day, hour, minute, second: 0 });
            if (moment !== undefined && moment > after) return moment;
          }
      }
    }
  }
  return undefined;
}
