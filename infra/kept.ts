/**
 * Results that were made before, by names that say what they are made from: nothing in it is ever stale, and nothing is found half made.
 * See docs/decisions/0020-made-once.md.
 */
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';

/** What was used so short a time ago is never removed, in milliseconds: somebody may be reading it. */
const IN_USE = 3 * 3_600_000;
/** Results under way are made in folders that begin so. */
const ASIDE = '.aside-';

export class Kept {
  readonly folder: string;
  private readonly atMost: number;

  /** @param atMost so many results, beyond those that were used within three hours */
  constructor(folder: string, atMost: number) {
    this.folder = folder;
    this.atMost = atMost;
  }

  /** Where a result is; undefined if it has not been made. */
  find(name: string): string | undefined {
    const path = join(this.folder, name);
    const found = statSync(path, { throwIfNoEntry: false });
    if (found === undefined) return undefined;
    const now = Date.now();
    if (now - found.mtimeMs > IN_USE / 10) touch(path, new Date(now));
    return path;
  }

  /** Makes results aside and moves each to its place, at once. If others make the same meanwhile, those of the last or of the first stay: they are equal. */
  async make(make: (aside: string) => Promise<void>): Promise<void> {
    mkdirSync(this.folder, { recursive: true });
    const aside = mkdtempSync(join(this.folder, ASIDE));
    try {
      await make(aside);
      for (const name of readdirSync(aside)) move(join(aside, name), join(this.folder, name));
    } finally {
      rmSync(aside, { recursive: true, force: true });
    }
    this.prune();
  }

  private prune(): void {
    const before = Date.now() - IN_USE;
    const entries = readdirSync(this.folder)
      .map((name) => ({ path: join(this.folder, name), used: statSync(join(this.folder, name), { throwIfNoEntry: false })?.mtimeMs ?? 0 }))
      .sort((a, b) => b.used - a.used);
    for (const { path, used } of entries.slice(this.atMost)) if (used < before) rmSync(path, { recursive: true, force: true });
  }
}

function move(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    // A folder that is there already: somebody else was first.
    if (!['ENOTEMPTY', 'EEXIST'].includes(String((error as NodeJS.ErrnoException).code))) throw error;
  }
}

/** Another process may have removed it a moment ago, or own it: then it is made again, or kept as it is. */
function touch(path: string, now: Date): void {
  try {
    utimesSync(path, now, now);
  } catch (error) {
    if (!['ENOENT', 'EPERM', 'EROFS', 'EACCES'].includes(String((error as NodeJS.ErrnoException).code))) throw error;
  }
}
