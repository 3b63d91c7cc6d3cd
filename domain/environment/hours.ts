/** The hours of an on-demand environment, in its own time zone: when it is open, when it opens and closes next. */
import type { Hours } from '../pipeline/pipeline.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

const minutesOf = (text: string) => Number(text.slice(0, 2)) * 60 + Number(text.slice(3, 5));

const formats = new Map<string, Intl.DateTimeFormat>();

/** The wall clock of a zone at an instant: ISO weekday, minutes since midnight, and its date as if in UTC. */
function wallClock(timeZone: string, at: number): { weekday: number; minutes: number; date: number; seconds: number } {
  let format = formats.get(timeZone);
  if (format === undefined) {
    const numeric = 'numeric' as const;
    format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      year: numeric,
      month: numeric,
      day: numeric,
      hour: numeric,
      minute: numeric,
      second: numeric,
    });
    formats.set(timeZone, format);
  }
  const parts = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
  const date = Date.UTC(parts.year ?? 0, (parts.month ?? 1) - 1, parts.day ?? 1);
  return {
    weekday: ((new Date(date).getUTCDay() + 6) % 7) + 1,
    minutes: (parts.hour ?? 0) * 60 + (parts.minute ?? 0),
    date,
    seconds: parts.second ?? 0,
  };
}

/**
 * Between that day's opening and its closing: an hour that a change of the clocks repeats neither opens nor closes twice.
 * @param at milliseconds since the epoch
 */
export function isOpen({ days, from, to, timeZone }: Hours, at: number): boolean {
  const { weekday, date } = wallClock(timeZone, at);
  return days.includes(weekday) && at >= instantOf(timeZone, date, minutesOf(from)) && at < instantOf(timeZone, date, minutesOf(to));
}

/** The next instant after `at` at which it opens. A time that a change of the clocks skips is that day's first instant after it. */
export const nextOpening = (hours: Hours, at: number): number => next(hours, hours.from, at);

/** The next instant after `at` at which it closes. */
export const nextClosing = (hours: Hours, at: number): number => next(hours, hours.to, at);

function next({ days, timeZone }: Hours, time: string, at: number): number {
  const { date } = wallClock(timeZone, at);
  for (let day = 0; day <= 8; day++) {
    const candidate = instantOf(timeZone, date + day * DAY, minutesOf(time));
    if (candidate > at && days.includes(wallClock(timeZone, candidate).weekday)) return candidate;
  }
  throw new Error(`no day among ${days.join(', ')}`);
}

/** The first instant of a local day (given as if in UTC) whose wall clock shows `minutes`, or the first after a gap that skips it. */
function instantOf(timeZone: string, date: number, minutes: number): number {
  const [first] = instantsOf(timeZone, date, minutes);
  if (first !== undefined) return first;
  const wanted = date + minutes * MINUTE;
  const candidates = candidatesOf(timeZone, wanted);
  return firstAfterGap(
    Math.min(...candidates) - 60 * MINUTE,
    Math.max(...candidates) + 60 * MINUTE,
    (at) => at + offset(timeZone, at) >= wanted,
  );
}

/** Every instant of a local day whose wall clock shows `minutes`, in order: one, none in a gap, two in a repeated hour. */
function instantsOf(timeZone: string, date: number, minutes: number): number[] {
  const wanted = date + minutes * MINUTE;
  const exact = candidatesOf(timeZone, wanted).filter((one) => one + offset(timeZone, one) === wanted);
  return [...new Set(exact)].sort((a, b) => a - b);
}

/** Offsets a day before and after hold on both sides of a change. */
const candidatesOf = (timeZone: string, wanted: number): number[] =>
  [offset(timeZone, wanted - DAY), offset(timeZone, wanted + DAY)].map((one) => wanted - one);

/** Milliseconds that the wall clock is ahead of UTC. */
function offset(timeZone: string, at: number): number {
  const clock = wallClock(timeZone, at);
  return clock.date + clock.minutes * MINUTE + clock.seconds * 1000 - Math.floor(at / 1000) * 1000;
}

/** Rules of time zones come again each year; three years show those of a zone. */
const LOOK_FROM = Date.UTC(2026, 0, 1);
const LOOK_DAYS = 3 * 365;

/** A day on which a change of the clocks skips a time, or shows it twice: neither is when anybody would expect it. */
export interface ClockChange {
  /** `YYYY-MM-DD` */
  readonly date: string;
  readonly how: 'skipped' | 'twice';
}

/** The first such day among the given weekdays; undefined where a time comes once on each. */
export function clockChange(timeZone: string, days: readonly number[], time: string): ClockChange | undefined {
  // Clocks change at night everywhere; looking through three years takes 30 ms.
  if (time >= '04:00' && time < '23:00') return undefined;
  for (let day = 0; day < LOOK_DAYS; day++) {
    const date = LOOK_FROM + day * DAY;
    if (!days.includes(((new Date(date).getUTCDay() + 6) % 7) + 1)) continue;
    const { length } = instantsOf(timeZone, date, minutesOf(time));
    if (length !== 1) return { date: new Date(date).toISOString().slice(0, 10), how: length === 0 ? 'skipped' : 'twice' };
  }
  return undefined;
}

function firstAfterGap(from: number, to: number, holds: (at: number) => boolean): number {
  let low = from;
  let high = to;
  while (high - low > MINUTE) {
    const middle = low + Math.floor((high - low) / 2 / MINUTE) * MINUTE;
    if (holds(middle)) high = middle;
    else low = middle;
  }
  return high;
}
