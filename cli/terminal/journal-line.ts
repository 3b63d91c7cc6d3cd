/** One line of the journal. */

import type { JournalEntry } from '../../domain/ledger/records.ts';
import { clockTime, inZone } from '../../domain/text/times.ts';
import { colours, width } from './colours.ts';
import { plain, wrap } from './text.ts';

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
