/** One `shiplock local` for a folder: two would write over each other. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { plain, UsageError } from './output.ts';

/**
 * Keeps others from starting in a folder until `local.json`, at `file`, says that it runs.
 * @returns what lets go of it
 * @throws UsageError if it runs there, or is about to
 */
export async function claim(folder: string, file: string): Promise<() => void> {
  const running = read<{ pid: number; endpoint: string }>(file);
  // A number of a process may have gone to another one since a crash: what runs also answers.
  if (running !== undefined && alive(running.pid) && (await answers(running.endpoint)))
    throw new UsageError(
      `${folder}: it runs already (process ${running.pid}, ${plain(running.endpoint)}); stop it with Ctrl-C, or give another folder with --data`,
    );
  const lock = join(folder, 'starting.json');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const before = read<{ pid: number; since: number }>(lock);
  // A start takes seconds, and minutes where it plays a long past again.
  if (before !== undefined && (!alive(before.pid) || Date.now() - before.since > 600_000)) rmSync(lock, { force: true });
  try {
    writeFileSync(lock, JSON.stringify({ pid: process.pid, since: Date.now() }), { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    throw new UsageError(`${folder}: it is starting already; wait for it, or give another folder with --data`);
  }
  return () => rmSync(lock, { force: true });
}

/** What a file says; undefined where there is none, or one that was half written. */
function read<T>(file: string): T | undefined {
  try {
    return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as T) : undefined;
  } catch {
    return undefined;
  }
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Whoever is too busy to answer is there. */
async function answers(endpoint: string): Promise<boolean> {
  try {
    await fetch(endpoint, { signal: AbortSignal.timeout(5_000) });
    return true;
  } catch (error) {
    return (error as Error).name === 'TimeoutError';
  }
}
