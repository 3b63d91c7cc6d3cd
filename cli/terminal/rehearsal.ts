/** The live view of a rehearsal: on a terminal a line for each release that moves, else a plain line for each thing that happens. */
import type { JournalEntry } from '../../domain/ledger/records.ts';
import { clockTime } from '../../domain/text/times.ts';
import type { Audience, Check } from '../../rehearsal/play.ts';
import { dim, width } from './colours.ts';
import { journalLine } from './journal-line.ts';
import { print } from './output.ts';
import { plain } from './text.ts';

/** Redraw at most so often: the eye needs no more. */
const FRAME = 80;

export class LiveView implements Audience {
  private readonly timeZone: string;
  private readonly silent: boolean;
  private readonly terminal: boolean;
  /** What each release does, by its name; those that have ended are gone. */
  private readonly moving = new Map<string, string>();
  private drawn = 0;
  private last = 0;

  constructor(timeZone: string, silent: boolean, terminal: boolean) {
    this.timeZone = timeZone;
    this.silent = silent;
    this.terminal = terminal && !silent;
  }

  say(text: string): void {
    if (!this.silent) print(dim(text));
  }

  booted(milliseconds: number): void {
    this.say(`booted in ${(milliseconds / 1000).toFixed(1)} s`);
  }

  entry(entry: JournalEntry): void {
    if (this.silent) return;
    this.erase();
    print(journalLine(entry, this.timeZone));
    this.note(entry);
    this.draw(Date.parse(entry.at), true);
  }

  moment(now: number): void {
    if (this.terminal && performance.now() - this.last >= FRAME) {
      this.erase();
      this.draw(now, false);
    }
  }

  check(_check: Check): void {}

  end(): void {
    this.erase();
  }

  private note(entry: JournalEntry): void {
    if (entry.repository === undefined || entry.tag === undefined) return;
    const name = `${entry.repository} ${entry.tag}`;
    const isRelease = entry.environment === undefined;
    if (entry.event === 'ended' && isRelease) this.moving.delete(name);
    else this.moving.set(name, entry.text.slice(name.length + 2));
  }

  private draw(now: number, _force: boolean): void {
    if (!this.terminal) return;
    const lines = [
      dim(clockTime(now, this.timeZone)),
      ...[...this.moving].map(([name, does]) => shorten(`  ${plain(name)}  ${plain(does)}`)),
    ];
    process.stdout.write(`${lines.join('\n')}\n`);
    this.drawn = lines.length;
    this.last = performance.now();
  }

  private erase(): void {
    if (this.drawn > 0) process.stdout.write(`\u001b[${this.drawn}A\u001b[0J`);
    this.drawn = 0;
  }
}

const shorten = (text: string) => (text.length > width() - 1 ? `${text.slice(0, width() - 2)}…` : text);
