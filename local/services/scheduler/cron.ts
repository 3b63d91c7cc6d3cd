/**
 * Cron expressions as AWS writes them: six fields, minutes to years, with `?`, `L`, `W` and `#`.
 * https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#cron-based
 */

/** The times that a cron expression names, in local time of some zone. */
export interface Cron {
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly months: readonly number[];
  readonly years: readonly number[];
  /** The fields of the days, one of which is `?`. */
  readonly day: string;
  readonly week: string;
}

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const WEEKDAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];

interface Field {
  readonly low: number;
  readonly high: number;
  /** Names of `low`, `low + 1`, … */
  readonly names?: readonly string[];
}

const fields = {
  minutes: { low: 0, high: 59 },
  hours: { low: 0, high: 23 },
  day: { low: 1, high: 31 },
  month: { low: 1, high: 12, names: MONTHS },
  weekday: { low: 1, high: 7, names: WEEKDAYS },
  year: { low: 1970, high: 2199 },
} satisfies Record<string, Field>;

function number(text: string, { low, high, names }: Field): number | undefined {
  const name = names?.indexOf(text.toUpperCase()) ?? -1;
  const value = name >= 0 ? name + low : /^\d{1,4}$/.test(text) ? Number(text) : Number.NaN;
  return value >= low && value <= high ? value : undefined;
}

/** The values of one field: lists, ranges and steps. */
function values(text: string, field: Field): number[] | undefined {
  const found = new Set<number>();
  for (const part of text.split(',')) {
    const [range, step, more] = part.split('/');
    if (more !== undefined || range === undefined) return undefined;
    const every = step === undefined ? 1 : /^\d+$/.test(step) ? Number(step) : 0;
    if (every < 1 || every > field.high) return undefined;
    let low: number | undefined;
    let high: number | undefined;
    if (range === '*') [low, high] = [field.low, field.high];
    else {
      const ends = range.split('-');
      if (ends.length > 2) return undefined;
      low = number(ends[0]!, field);
      // "5/10" is every ten from five on; "5" is five.
      high = ends[1] === undefined ? (step === undefined ? low : field.high) : number(ends[1], field);
    }
    if (low === undefined || high === undefined) return undefined;
    // A range may pass the end, as FRI-MON does.
    const span = high >= low ? high - low : high - low + field.high - field.low + 1;
    for (let offset = 0; offset <= span; offset += every)
      found.add(((low - field.low + offset) % (field.high - field.low + 1)) + field.low);
  }
  return [...found].sort((a, b) => a - b);
}

const lastDay = (year: number, month: number) => new Date(Date.UTC(year, month, 0)).getUTCDate();
/** 1 is Sunday. */
const weekday = (year: number, month: number, day: number) => new Date(Date.UTC(year, month - 1, day)).getUTCDay() + 1;

type Days = (year: number, month: number) => number[];

function nearestWeekday(year: number, month: number, day: number): number {
  const last = lastDay(year, month);
  const on = weekday(year, month, day);
  if (on === 7) return day === 1 ? 3 : day - 1;
  if (on === 1) return day === last ? day - 2 : day + 1;
  return day;
}

function daysOfMonth(text: string): Days | undefined {
  if (text === 'L') return (year, month) => [lastDay(year, month)];
  if (text === 'LW') return (year, month) => [nearestWeekday(year, month, lastDay(year, month))];
  const before = /^L-(\d{1,2})$/.exec(text)?.[1];
  if (before !== undefined) {
    const offset = Number(before);
    return offset > 30 ? undefined : (year, month) => [lastDay(year, month) - offset].filter((day) => day > 0);
  }
  const near = /^(\d{1,2})W$/.exec(text)?.[1];
  if (near !== undefined) {
    const day = number(near, fields.day);
    return day === undefined ? undefined : (year, month) => (day > lastDay(year, month) ? [] : [nearestWeekday(year, month, day)]);
  }
  const list = values(text, fields.day);
  return list && ((year, month) => list.filter((day) => day <= lastDay(year, month)));
}

function daysOfWeek(text: string): Days | undefined {
  const all = (year: number, month: number, wanted: (day: number) => boolean) =>
    Array.from({ length: lastDay(year, month) }, (_, index) => index + 1).filter((day) => wanted(weekday(year, month, day)));
  const last = /^(\w+?)?L$/i.exec(text);
  if (last) {
    const on = last[1] === undefined ? 7 : number(last[1], fields.weekday);
    return on === undefined ? undefined : (year, month) => all(year, month, (day) => day === on).slice(last[1] === undefined ? 0 : -1);
  }
  const nth = /^(\w+)#([1-5])$/.exec(text);
  if (nth) {
    const on = number(nth[1]!, fields.weekday);
    const index = Number(nth[2]) - 1;
    return on === undefined ? undefined : (year, month) => all(year, month, (day) => day === on).slice(index, index + 1);
  }
  const list = values(text, fields.weekday);
  return list && ((year, month) => all(year, month, (day) => list.includes(day)));
}

/** Days of a month (1 to 31), ascending. */
export const daysOf = ({ day, week }: Cron, year: number, month: number): readonly number[] => days(day, week)?.(year, month) ?? [];

const days = (day: string, week: string): Days | undefined => (week === '?' ? daysOfMonth(day) : daysOfWeek(week));

/** @returns nothing if the text (without `cron(` and `)`) is not an expression that AWS accepts */
export function parseCron(text: string): Cron | undefined {
  const parts = text.trim().split(/\s+/);
  if (parts.length !== 6) return undefined;
  const [minute, hour, day, month, week, year] = parts as [string, string, string, string, string, string];
  // Exactly one of the two day fields says "no matter".
  if ((day === '?') === (week === '?')) return undefined;
  const minutes = values(minute, fields.minutes);
  const hours = values(hour, fields.hours);
  const months = values(month, fields.month);
  const years = values(year, fields.year);
  if (!minutes || !hours || !months || !years || !days(day, week)) return undefined;
  return { minutes, hours, months, years, day, week };
}
