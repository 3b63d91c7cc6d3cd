/** The hours of an on-demand environment, in its own time zone: when it is open, when it opens and closes next. */
import type { Hours } from './pipeline.ts';

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

/** @param at milliseconds since the epoch */
export function isOpen({ days, from, to, timeZone }: Hours, at: number): boolean {
  const { weekday, minutes } = wallClock(timeZone, at);
  return days.includes(weekday) && minutes >= minutesOf(from) && minutes < minutesOf(to);
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
  const wanted = date + minutes * MINUTE;
  const offset = (at: number) => {
    const clock = wallClock(timeZone, at);
    return clock.date + clock.minutes * MINUTE + clock.seconds * 1000 - Math.floor(at / 1000) * 1000;
  };
  // Offsets a day before and after hold on both sides of a change; the earlier instant that shows the wanted time is the first of a repeated hour.
  const candidates = [offset(wanted - DAY), offset(wanted + DAY)].map((one) => wanted - one);
  const exact = candidates.filter((one) => one + offset(one) === wanted);
  if (exact.length > 0) return Math.min(...exact);
  return firstAfterGap(Math.min(...candidates) - 60 * MINUTE, Math.max(...candidates) + 60 * MINUTE, (at) => at + offset(at) >= wanted);
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

const CRON_DAYS = ['', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT', 'SUN'];

/** `cron(0 20 ? * MON,TUE *)`, for EventBridge Scheduler with the hours' time zone. */
export function cronOf({ days }: Pick<Hours, 'days'>, time: string): string {
  const minutes = minutesOf(time);
  return `cron(${minutes % 60} ${Math.floor(minutes / 60)} ? * ${days.map((day) => CRON_DAYS[day]).join(',')} *)`;
}
