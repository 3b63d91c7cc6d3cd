/** A folder is for one `shiplock local` at a time. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { claim } from '../../../cli/connection/folder-claim.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'shiplock-claim-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const place = () => join(folder, 'lock.json');
/** The number of a process that is over. */
const gone = () => spawnSync(process.execPath, ['-v']).pid;
const listening = (server: Server) =>
  new Promise<number>((resolve) => server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)));
const lock = (pid: number, port: number) => writeFileSync(place(), JSON.stringify({ pid, port, word: 'a1b2' }));

describe('a folder', () => {
  it('is refused for as long as somebody has it, in the words for what they do, and free afterwards', async () => {
    const first = await claim(folder);
    await expect(claim(folder)).rejects.toThrow(`is starting already (process ${process.pid})`);
    first.becomes('is stopping there, and saves');
    await expect(claim(folder)).rejects.toThrow('is stopping there, and saves');
    first.release();
    expect(existsSync(place())).toBe(false);
    (await claim(folder)).release();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('has to be one', async () => {
    writeFileSync(join(folder, 'file'), '');
    await expect(claim(join(folder, 'file'))).rejects.toThrow(/file cannot be a data folder: .*; choose another with --data$/);
  });

  it('is had by one only of many that come at once, also where a dead one is in their way', async () => {
    for (const before of [undefined, '{"pid":']) {
      if (before !== undefined) writeFileSync(place(), before);
      const all = await Promise.allSettled(Array.from({ length: 8 }, () => claim(folder)));
      const had = all.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
      expect(had).toHaveLength(1);
      had[0]!.release();
    }
  });

  it('is free once the process that had it was killed', async () => {
    const program = `import { claim } from ${JSON.stringify(join(import.meta.dirname, '../../../cli/connection/folder-claim.ts'))};
      await claim(${JSON.stringify(folder)}); console.log('has it'); setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', program], { stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise((ready) => child.stdout.once('data', ready));
    await expect(claim(folder)).rejects.toThrow(`process ${child.pid}`);
    child.kill('SIGKILL');
    await new Promise((ended) => child.once('exit', ended));
    (await claim(folder)).release();
  });

  it.each(['', '{"pid":12', 'null', '{}', '{"pid":1,"port":99999,"word":"a"}'])(
    'is free where the lock is nothing but %j',
    async (text) => {
      writeFileSync(place(), text);
      const { release } = await claim(folder);
      expect(JSON.parse(readFileSync(place(), 'utf8'))).toMatchObject({ pid: process.pid });
      release();
    },
  );

  it('is free where the number and the port of its holder have gone to others', async () => {
    const server = createServer((socket) => socket.end('220 mail'));
    lock(process.pid, await listening(server));
    (await claim(folder)).release();
    await new Promise((closed) => server.close(closed));
    lock(gone(), 1);
    (await claim(folder)).release();
  });
});
