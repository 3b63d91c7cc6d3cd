import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isOpen, nextClosing, nextOpening } from '../../../domain/environment/hours.ts';
import type { Hours } from '../../../domain/pipeline/pipeline.ts';

const MINUTE = 60_000;
const EVERY_DAY = [1, 2, 3, 4, 5, 6, 7];
const hours = (timeZone: string, from: string, to: string, days: readonly number[] = EVERY_DAY): Hours => ({ days, from, to, timeZone });
const at = (text: string) => Date.parse(text);
const iso = (instant: number) => new Date(instant).toISOString();

describe('the hours of an office in Berlin', () => {
  const office = hours('Europe/Berlin', '07:00', '20:00', [1, 2, 3, 4, 5]);

  it('open at their first instant and close at their last', () => {
    // 2026-11-20 is a Friday; Berlin is one hour ahead of UTC.
    expect(isOpen(office, at('2026-11-20T05:59:59.999Z'))).toBe(false);
    expect(isOpen(office, at('2026-11-20T06:00:00Z'))).toBe(true);
    expect(isOpen(office, at('2026-11-20T18:59:59.999Z'))).toBe(true);
    expect(isOpen(office, at('2026-11-20T19:00:00Z'))).toBe(false);
  });

  it('stay closed over the weekend and open on Monday', () => {
    expect(isOpen(office, at('2026-11-21T10:00:00Z'))).toBe(false);
    expect(iso(nextOpening(office, at('2026-11-20T19:00:00Z')))).toBe('2026-11-23T06:00:00.000Z');
  });

  it('open next time, not now, when asked at the instant of opening', () => {
    expect(iso(nextOpening(office, at('2026-11-20T06:00:00Z')))).toBe('2026-11-23T06:00:00.000Z');
    expect(iso(nextClosing(office, at('2026-11-20T19:00:00Z')))).toBe('2026-11-23T19:00:00.000Z');
  });

  it('count the weekday there, not in Greenwich', () => {
    // Sunday evening in UTC is Monday in Auckland.
    expect(isOpen(hours('Pacific/Auckland', '07:00', '20:00', [1]), at('2026-11-22T19:00:00Z'))).toBe(true);
    expect(isOpen(hours('UTC', '07:00', '20:00', [1]), at('2026-11-22T19:00:00Z'))).toBe(false);
  });
});

describe('a change of the clocks', () => {
  const openings: [string, string, string, string, string][] = [
    ['Europe/Berlin', '07:00', '2026-03-28T12:00:00Z', '2026-03-29T05:00:00.000Z', 'forward'],
    ['Europe/Berlin', '07:00', '2026-10-24T12:00:00Z', '2026-10-25T06:00:00.000Z', 'back'],
    ['America/New_York', '07:00', '2026-03-07T17:00:00Z', '2026-03-08T11:00:00.000Z', 'forward'],
    ['America/New_York', '07:00', '2026-10-31T17:00:00Z', '2026-11-01T12:00:00.000Z', 'back'],
    // Half an hour, in the south, where spring is in October.
    ['Australia/Lord_Howe', '07:00', '2026-10-03T06:00:00Z', '2026-10-03T20:00:00.000Z', 'forward by half an hour'],
    ['Australia/Lord_Howe', '07:00', '2026-04-04T06:00:00Z', '2026-04-04T20:30:00.000Z', 'back by half an hour'],
    ['Asia/Kolkata', '07:00', '2026-03-28T12:00:00Z', '2026-03-29T01:30:00.000Z', 'nowhere: India has none'],
  ];
  for (const [zone, from, asked, expected, way] of openings)
    it(`moves the opening of ${zone} when it goes ${way}`, () =>
      expect(iso(nextOpening(hours(zone, from, '20:00'), at(asked)))).toBe(expected));

  const skipped: [string, string, string, string][] = [
    ['Europe/Berlin', '02:30', '2026-03-28T12:00:00Z', '2026-03-29T01:00:00.000Z'],
    ['America/New_York', '02:30', '2026-03-07T17:00:00Z', '2026-03-08T07:00:00.000Z'],
    ['Australia/Lord_Howe', '02:15', '2026-10-03T06:00:00Z', '2026-10-03T15:30:00.000Z'],
    // Midnight itself is skipped in Chile and in Lebanon.
    ['America/Santiago', '00:00', '2026-09-05T20:00:00Z', '2026-09-06T04:00:00.000Z'],
    ['Asia/Beirut', '00:30', '2026-03-28T12:00:00Z', '2026-03-28T22:00:00.000Z'],
  ];
  for (const [zone, from, asked, expected] of skipped)
    it(`opens right after the gap that skips ${from} in ${zone}`, () =>
      expect(iso(nextOpening(hours(zone, from, '20:00'), at(asked)))).toBe(expected));

  it('opens and closes once in an hour that it repeats', () => {
    // Berlin, 2026-10-25: 02:00 to 03:00 comes twice, from 00:00Z and from 01:00Z.
    const early = hours('Europe/Berlin', '01:00', '02:30');
    expect(iso(nextClosing(early, at('2026-10-25T00:00:00Z')))).toBe('2026-10-25T00:30:00.000Z');
    expect(isOpen(early, at('2026-10-25T00:29:59Z'))).toBe(true);
    expect(isOpen(early, at('2026-10-25T00:30:00Z'))).toBe(false);
    expect(isOpen(early, at('2026-10-25T01:15:00Z'))).toBe(false);
    // And is not closed again by the second two o'clock, once it has opened at half past the first.
    const late = hours('Europe/Berlin', '02:30', '05:00');
    expect(isOpen(late, at('2026-10-25T00:30:00Z'))).toBe(true);
    expect(isOpen(late, at('2026-10-25T01:15:00Z'))).toBe(true);
    expect(isOpen(late, at('2026-10-25T04:00:00Z'))).toBe(false);
    expect(isOpen(hours('Australia/Lord_Howe', '00:30', '01:45'), at('2026-04-04T15:10:00Z'))).toBe(false);
  });

  it('takes the first of two equal times', () => {
    expect(iso(nextOpening(hours('Europe/Berlin', '02:30', '20:00'), at('2026-10-24T12:00:00Z')))).toBe('2026-10-25T00:30:00.000Z');
    expect(iso(nextOpening(hours('America/New_York', '01:30', '20:00'), at('2026-10-31T17:00:00Z')))).toBe('2026-11-01T05:30:00.000Z');
  });
});

/** Whether the next opening or closing is the first instant at which a minute-by-minute look sees the door move. */
describe('the next opening and closing', () => {
  const weeks: [string, string][] = [
    ['Europe/Berlin', '2026-03-27T00:00:00Z'],
    ['Europe/Berlin', '2026-10-23T00:00:00Z'],
    ['America/New_York', '2026-03-06T00:00:00Z'],
    ['America/New_York', '2026-10-30T00:00:00Z'],
    ['Australia/Lord_Howe', '2026-10-02T00:00:00Z'],
    ['Australia/Lord_Howe', '2026-04-03T00:00:00Z'],
    ['America/Santiago', '2026-09-04T00:00:00Z'],
    ['America/Santiago', '2026-04-03T00:00:00Z'],
    ['Africa/Cairo', '2026-04-23T00:00:00Z'],
  ];
  for (const [zone, begin] of weeks)
    it(`are where the door is seen to move, in ${zone} from ${begin.slice(0, 10)}`, () => {
      const week = hours(zone, '07:00', '20:00', [1, 2, 3, 4, 5, 6]);
      const moves: { at: number; open: boolean }[] = [];
      for (let now = at(begin) + MINUTE; now < at(begin) + 5 * 24 * 60 * MINUTE; now += MINUTE)
        if (isOpen(week, now) !== isOpen(week, now - MINUTE)) moves.push({ at: now, open: isOpen(week, now) });
      expect(moves.length).toBeGreaterThan(5);
      for (const [index, move] of moves.entries()) {
        const before = index === 0 ? at(begin) : moves[index - 1]!.at;
        expect(iso((move.open ? nextOpening : nextClosing)(week, before))).toBe(iso(move.at));
        expect(iso((move.open ? nextOpening : nextClosing)(week, move.at - 1))).toBe(iso(move.at));
      }
    });
});

describe('any hours', () => {
  const time = fc.integer({ min: 0, max: 24 * 4 - 1 }).map((quarter) => {
    const text = (number: number) => String(number).padStart(2, '0');
    return `${text(Math.floor(quarter / 4))}:${text((quarter % 4) * 15)}`;
  });
  const any = fc
    .tuple(
      fc.constantFrom('Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kolkata'),
      time,
      time,
      fc.uniqueArray(fc.integer({ min: 1, max: 7 }), { minLength: 1 }),
    )
    .filter(([, from, to]) => from < to)
    .map(([zone, from, to, days]) => hours(zone, from, to, days));
  // The weekends at which the clocks change in these zones, and a plain one.
  const moment = fc
    .tuple(
      fc.constantFrom('2026-03-28', '2026-10-24', '2026-03-07', '2026-10-31', '2026-04-04', '2026-10-03', '2026-06-13'),
      fc.integer({ min: 0, max: 3 * 24 * 60 * MINUTE }),
    )
    .map(([day, later]) => at(`${day}T00:00:00Z`) + later);

  it('close after they were asked and open after they were asked, at the instant of the change', () =>
    fc.assert(
      fc.property(any, moment, (week, asked) => {
        const opens = nextOpening(week, asked);
        const closes = nextClosing(week, asked);
        expect(opens).toBeGreaterThan(asked);
        expect(closes).toBeGreaterThan(asked);
        expect(isOpen(week, closes)).toBe(false);
        // Hours that lie within the gap of a day are none that day: it would open and close in one instant.
        const empty = (instant: number) => nextOpening(week, instant - 1) === instant && nextClosing(week, instant - 1) === instant;
        expect(isOpen(week, closes - 1)).toBe(!empty(closes));
        expect(isOpen(week, opens)).toBe(!empty(opens));
        expect(isOpen(week, opens - 1)).toBe(false);
        expect(isOpen(week, asked)).toBe(closes < opens || (closes === opens && !empty(closes)));
      }),
      { numRuns: 500 },
    ));
});
