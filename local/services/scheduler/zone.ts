/** Local time of IANA zones, with the hours that clocks skip and repeat. */
import { tzOffset } from '@date-fns/tz';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

export interface LocalTime {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

export function isZone(zone: string): boolean {
  return zone !== '' && !Number.isNaN(tzOffset(zone, new Date(0)));
}

/** What clocks in a zone show at a moment (milliseconds since the epoch). */
export function localTime(zone: string, moment: number): LocalTime {
  const shifted = new Date(moment + tzOffset(zone, new Date(moment)) * MINUTE);
  return {
    year: shifted.getUTCFullYear(),
    month: shifted.getUTCMonth() + 1,
    day: shifted.getUTCDate(),
    hour: shifted.getUTCHours(),
    minute: shifted.getUTCMinutes(),
    second: shifted.getUTCSeconds(),
  };
}

/**
 * The moment at which clocks in a zone show a time: the first, where they show it twice.
 * @returns nothing where they never show it
 */
export function momentOf(zone: string, { year, month, day, hour, minute, second }: LocalTime): number | undefined {
  const asUtc = Date.UTC(year, month - 1, day, hour, minute, second);
  const moments = [asUtc - DAY, asUtc + DAY]
    .map((near) => tzOffset(zone, new Date(near)))
    .map((offset) => ({ offset, moment: asUtc - offset * MINUTE }))
    .filter(({ offset, moment }) => tzOffset(zone, new Date(moment)) === offset)
    .map(({ moment }) => moment);
  return moments.length > 0 ? Math.min(...moments) : undefined;
}
