/** Instants as people of a time zone say them. */

/** `Mon 23 Nov 08:31`. @param instant milliseconds since the epoch @param timeZone an IANA name */
export function dayTime(instant: number, timeZone: string): string {
  return Number.isNaN(instant) ? '' : said(instant, timeZone, ['weekday', 'day', 'month']);
}

/** `Mon 08:31`. @param instant milliseconds since the epoch @param timeZone an IANA name */
export const clockTime = (instant: number, timeZone: string): string => said(instant, timeZone, ['weekday']);

const formats = new Map<string, Intl.DateTimeFormat>();

/** Made once for a zone: that takes many times longer than to write an instant. */
function formatOf(timeZone: string): Intl.DateTimeFormat {
  let format = formats.get(timeZone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-GB', {
      timeZone,
      weekday: 'short',
      day: 'numeric',
      month: 'short',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    });
    formats.set(timeZone, format);
  }
  return format;
}

function said(instant: number, timeZone: string, day: readonly ('weekday' | 'day' | 'month')[]): string {
  const parts = formatOf(timeZone).formatToParts(instant);
  const part = (type: string) => parts.find((candidate) => candidate.type === type)?.value ?? '';
  return `${day.map(part).join(' ')} ${part('hour')}:${part('minute')}`;
}

/** A sentence with instants of ISO 8601 in it, as people of a time zone say them. */
export const inZone = (text: string, timeZone: string): string =>
  text.replace(/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g, (instant) => dayTime(Date.parse(instant), timeZone));
