/** One `shiplock local` for a folder: two would write over each other. */
import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { UsageError } from '../terminal/errors.ts';
import { plain } from '../terminal/text.ts';

/** A folder that is one's own. */
export interface Claim {
  /** What others are told who want it, such as `is starting already`. */
  becomes(state: string): void;
  /** To be called when nothing more is written there. */
  release(): void;
}

/** What the lock's file says: where its holder answers, and by which word others know that it is the one. */
interface Lock {
  readonly pid: number;
  readonly port: number;
  readonly word: string;
}

/** Who is too busy to answer in this time is there all the same. Milliseconds. */
const PATIENCE = 5_000;

/**
 * Keeps others out of a folder until it is released. Whoever holds it listens on a port of loopback, which the machine closes
 * when the process ends, however it ends: the number of a process, and a file, both outlive it.
 * @throws UsageError if somebody else has it
 */
export async function claim(folder: string): Promise<Claim> {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new UsageError(`${folder} cannot be a data folder: ${(error as Error).message}; choose another with --data`);
  }
  const file = join(folder, 'lock.json');
  const word = randomBytes(16).toString('hex');
  let state = 'is starting already';
  const server = createServer((socket) => socket.on('error', () => undefined).end(`${word} ${state}`)).unref();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as { port: number };
  const own: Lock = { pid: process.pid, port, word };
  try {
    await take(folder, file, JSON.stringify(own));
  } catch (error) {
    server.close();
    throw error;
  }
  return {
    becomes: (next) => {
      state = next;
    },
    release: () => {
      rmSync(file, { force: true });
      server.close();
    },
  };
}

/** Puts the lock there, whole or not at all. @throws UsageError */
async function take(folder: string, file: string, text: string): Promise<void> {
  const written = `${file}.${process.pid}`;
  for (;;) {
    rmSync(written, { force: true });
    writeFileSync(written, text, { mode: 0o600 });
    try {
      // Unlike a rename, it fails where there is one.
      linkSync(written, file);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    } finally {
      rmSync(written, { force: true });
    }
    await removeDead(folder, file);
  }
}

/** Removes the lock of a process that is over. @throws UsageError if it is not */
async function removeDead(folder: string, file: string): Promise<void> {
  const found = read(file);
  if (found === undefined) return;
  const state = found.lock && (await stateOf(found.lock));
  if (state !== undefined) throw new UsageError(`${folder}: shiplock local ${plain(state)} (process ${found.lock?.pid}); ${WAY_OUT}`);
  // Only one of several that find it dead can move it away; who moved away another's that has come meanwhile puts it back.
  const aside = `${file}.${process.pid}`;
  try {
    renameSync(file, aside);
    if (read(aside)?.text !== found.text) linkSync(aside, file);
  } catch (error) {
    if (!['ENOENT', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

const WAY_OUT = 'wait for its end or stop it with Ctrl-C, or give another folder with --data';

/** What its holder says of itself; undefined if it is over, though its number and its port may have gone to others. */
function stateOf({ pid, port, word }: Lock): Promise<string | undefined> {
  if (!isThere(pid)) return Promise.resolve(undefined);
  return new Promise((resolve) => {
    let said = '';
    const socket = connect({ host: '127.0.0.1', port });
    const end = (state: string | undefined) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(state);
    };
    const timer = setTimeout(() => end('is there, and busy'), PATIENCE);
    socket.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    socket.once('end', () => end(said.startsWith(`${word} `) ? said.slice(word.length + 1) : undefined));
    socket.once('error', () => end(undefined));
  });
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // One that belongs to somebody else.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Undefined where there is none; without `lock` where it is nothing that shiplock wrote, such as half of one. */
function read(file: string): { readonly text: string; readonly lock?: Lock } | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const { pid, port, word } = JSON.parse(text) as Lock;
    return Number.isInteger(pid) && port > 0 && port < 65_536 && typeof word === 'string' ? { text, lock: { pid, port, word } } : { text };
  } catch {
    return { text };
  }
}
