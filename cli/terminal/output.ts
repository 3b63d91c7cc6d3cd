/** What people see: tables that fit the terminal, colours only on one, and JSON for programs. */
import { stripVTControlCharacters } from 'node:util';
import { InvalidArgumentError } from 'commander';
import pc from 'picocolors';
import type { JournalEntry } from '../../domain/ledger/records.ts';
import { clockTime, inZone } from '../../domain/text/times.ts';

export { clockTime, dayTime, inZone } from '../../domain/text/times.ts';

/** Exit codes: what scripts rely on. */
export const EXIT = { done: 0, failed: 1, usage: 2, refused: 3, interrupted: 130 } as const;

/** A wrong word of the person at the keyboard: one line, exit code 2. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}

/** A rule or a person said no: its reason, exit code 3. */
export class RefusedError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'RefusedError';
  }
}

/** Ctrl-C at a question: nothing to say, exit code 130. */
export class InterruptedError extends Error {
  constructor() {
    super('');
    this.name = 'InterruptedError';
  }
}

/** For options that are whole numbers. @throws InvalidArgumentError, which names the option */
export function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('A whole number is needed.');
  return Number(text);
}

const colours = () => pc.createColors(process.stdout.isTTY === true && !process.env.NO_COLOR);

/** Whether lines may be drawn over. */
export const isTerminal = () => process.stdout.isTTY === true && process.env.TERM !== 'dumb';

/** Columns; what is piped is not cut. */
export const width = () => (process.stdout.isTTY ? (process.stdout.columns ?? 80) : Number.POSITIVE_INFINITY);

/** Attackers write tags and commit messages: what steers a terminal is shown, not obeyed. */
export function plain(text: string): string {
  return text.replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, '\ufffd');
}

/** `orders git_cf7edb2`; of several that move as one, what they are. The words of `domain/release/release.ts`, which help does not load. */
export const titleOf = ({ repository, tag }: { readonly repository: string; readonly tag: string }): string =>
  plain(repository.startsWith('+') ? `set (${tag})` : `${repository} ${tag}`);

/** Columns that a text takes: wide characters take two, those that only modify take none. */
export function columns(text: string): number {
  let count = 0;
  for (const character of text) count += NARROW.test(character) ? 1 : NONE.test(character) ? 0 : WIDE.test(character) ? 2 : 1;
  return count;
}

const NARROW = /[\u0020-\u02ff]/;
const NONE = /\p{Mn}|\p{Me}|\p{Cf}/u;
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;

/** At most so many columns, the end marked where something was cut. */
export function cut(text: string, room: number): string {
  if (columns(text) <= room) return text;
  let kept = '';
  for (const character of text) {
    if (columns(kept) + columns(character) > room - 1) break;
    kept += character;
  }
  return room > 0 ? `${kept}…` : '';
}

/** The same for a text that has colours. */
export function cutPainted(text: string, room: number): string {
  if (columns(stripVTControlCharacters(text)) <= room) return text;
  let kept = '';
  let taken = 0;
  for (let at = 0; at < text.length; ) {
    const end = text.startsWith('\u001b[', at) ? text.indexOf('m', at) + 1 : 0;
    const part = end > 0 ? text.slice(at, end) : String.fromCodePoint(text.codePointAt(at) ?? 0);
    const wide = end > 0 ? 0 : columns(part);
    if (taken + wide > room - 1) break;
    kept += part;
    taken += wide;
    at += part.length;
  }
  return `${kept}…\u001b[0m`;
}

/** Exactly so many columns. */
export const padTo = (text: string, room: number) => {
  const short = cut(text, room);
  return short + ' '.repeat(Math.max(0, room - columns(short)));
};

/** Lines of at most so many columns, broken between words. */
export function wrap(text: string, room: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && columns(line) + 1 + columns(word) > room) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
    while (columns(line) > room) {
      let head = '';
      for (const character of line) {
        if (columns(head + character) > room) break;
        head += character;
      }
      lines.push(head);
      line = line.slice(head.length);
    }
  }
  return line === '' ? lines : [...lines, line];
}

/** A table as wide as its content, at most as wide as the terminal: the last column gives way, then the widest others. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [head, ...rows].map((row) => row.map(plain));
  const widths = head.map((_, column) => Math.max(...cells.map((row) => columns(row[column] ?? ''))));
  const last = head.length - 1;
  const room = width() - 1 - 2 * last;
  const total = () => widths.reduce((sum, one) => sum + one, 0);
  const least = Math.min(widths[last] ?? 0, 16);
  widths[last] = Math.max(least, Math.min(widths[last] ?? 0, room - (total() - (widths[last] ?? 0))));
  while (total() > room) {
    const widest = widths.slice(0, last).reduce((best, one, column) => (one > (widths[best] ?? 0) ? column : best), 0);
    if (last === 0 || (widths[widest] ?? 0) <= 4) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => (column === last ? cut(cell, widths[column] ?? 0) : padTo(cell, widths[column] ?? 0)))
      .join('  ')
      .trimEnd();
  const paint = colours();
  return [paint.bold(line(cells[0] ?? [])), ...cells.slice(1).map(line)].join('\n');
}

const MARK: Readonly<Record<JournalEntry['tone'], string>> = { good: '✓', bad: '✗', waiting: '…', info: '·' };

/** One line of the journal, in the time zone given; what does not fit a terminal is indented below it. */
export function journalLine(entry: JournalEntry, timeZone: string): string {
  const paint = colours();
  const tone = { good: paint.green, bad: paint.red, waiting: paint.yellow, info: (text: string) => text }[entry.tone];
  const time = clockTime(Date.parse(entry.at), timeZone);
  const who = entry.who === 'shiplock' ? '' : ` (${plain(entry.who)})`;
  const indent = time.length + 3;
  const lines = wrap(`${inZone(plain(entry.text), timeZone)}${who}`, Math.max(20, width() - 1 - indent));
  const last = lines.at(-1) ?? '';
  return lines
    .map((line) => (who !== '' && line === last && line.endsWith(who) ? tone(line.slice(0, -who.length)) + paint.dim(who) : tone(line)))
    .map((line, index) => (index === 0 ? `${paint.dim(time)} ${tone(MARK[entry.tone])} ${line}` : ' '.repeat(indent) + line))
    .join('\n');
}

/** `4 min`, `3 h`, `12 d`: how long something lasts, or how old it is. @param milliseconds */
export function age(milliseconds: number): string {
  const minutes = Math.floor(Math.max(0, milliseconds) / 60_000);
  if (minutes < 1) return '<1 min';
  if (minutes < 60) return `${minutes} min`;
  return minutes < 48 * 60 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 1440)} d`;
}

/** The same where there is little room: `4m`, `3h`, `12d`. @param milliseconds */
export const shortAge = (milliseconds: number): string => age(milliseconds).replace(/ (m|h|d).*$/, '$1');

/** Sentences, broken between words where a terminal shows them, the lines that follow indented. */
export const wrapped = (text: string, indent = '  '): string => wrap(text, Math.max(20, width() - 1 - indent.length)).join(`\n${indent}`);

export const heading = (text: string) => `\n${colours().bold(text)}`;
export const good = (text: string) => colours().green(text);
export const bad = (text: string) => colours().red(text);
export const bold = (text: string) => colours().bold(text);
export const warn = (text: string) => colours().yellow(text);
export const dim = (text: string) => colours().dim(text);

let makeRoom = () => {};

/** What takes a line away that moves, before others are written. */
export function beforeOutput(erase: () => void): void {
  makeRoom = erase;
}

/** Something beside the result: to the other stream, so that programs do not stumble over it. */
export function note(text: string): void {
  makeRoom();
  process.stderr.write(`${text}\n`);
}

/** For sentences: broken between words on a terminal, the lines that follow indented. */
export function noteWrapped(text: string): void {
  const room = process.stderr.isTTY ? (process.stderr.columns ?? 80) - 1 : Number.POSITIVE_INFINITY;
  note(
    text
      .split('\n')
      .flatMap((line) => wrap(line, Math.max(20, room)))
      .join('\n'),
  );
}

export function print(text: string): void {
  makeRoom();
  process.stdout.write(`${text}\n`);
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2));
}
