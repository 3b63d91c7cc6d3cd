/** What people see: tables that fit the terminal, colours only on one, and JSON for programs. */
import { InvalidArgumentError } from 'commander';
import pc from 'picocolors';
import type { JournalEntry } from '../domain/records.ts';

/** Exit codes: what scripts rely on. */
export const EXIT = { done: 0, failed: 1, usage: 2, refused: 3 } as const;

/** A wrong word of the person at the keyboard: one line, exit code 2. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
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

/** A table as wide as its content, at most as wide as the terminal: the last column gives way. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [head, ...rows].map((row) => row.map(plain));
  const widths = head.map((_, column) => Math.max(...cells.map((row) => (row[column] ?? '').length)));
  const last = head.length - 1;
  const before = widths.slice(0, last).reduce((sum, one) => sum + one + 2, 0);
  widths[last] = Math.max(10, Math.min(widths[last] ?? 0, width() - before - 1));
  const line = (row: readonly string[]) => row.map((cell, column) => shorten(cell, widths[column] ?? 0, column === last)).join('  ');
  const paint = colours();
  return [paint.bold(line(cells[0] ?? [])), ...cells.slice(1).map(line)].join('\n');
}

function shorten(text: string, length: number, isLast: boolean): string {
  if (text.length > length) return `${text.slice(0, Math.max(0, length - 1))}…`;
  return isLast ? text : text.padEnd(length);
}

const MARK: Readonly<Record<JournalEntry['tone'], string>> = { good: '✓', bad: '✗', waiting: '…', info: '·' };

/** One line of the journal, in the time zone given. */
export function journalLine(entry: JournalEntry, timeZone: string): string {
  const paint = colours();
  const tone = { good: paint.green, bad: paint.red, waiting: paint.yellow, info: (text: string) => text }[entry.tone];
  const time = paint.dim(clockTime(Date.parse(entry.at), timeZone));
  const who = entry.who === 'shiplock' ? '' : paint.dim(` by ${plain(entry.who)}`);
  return `${time} ${tone(`${MARK[entry.tone]} ${plain(entry.text)}`)}${who}`;
}

/** `Mon 08:31` */
export function clockTime(instant: number, timeZone: string): string {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).formatToParts(instant);
  const part = (type: string) => parts.find((candidate) => candidate.type === type)?.value ?? '';
  return `${part('weekday')} ${part('hour')}:${part('minute')}`;
}

export const heading = (text: string) => `\n${colours().bold(text)}`;
export const good = (text: string) => colours().green(text);
export const bad = (text: string) => colours().red(text);
export const dim = (text: string) => colours().dim(text);

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2));
}
