/** A folder is for one `shiplock local` at a time. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { claim } from '../../cli/claim.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'shiplock-claim-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const place = () => join(folder, 'local.json');
/** The number of a process that is over. */
const gone = () => spawnSync(process.execPath, ['-v']).pid;

describe('a folder', () => {
  it('is refused while another one starts there, and free afterwards', async () => {
    const started = await claim(folder, place());
    await expect(claim(folder, place())).rejects.toThrow('it is starting already');
    started();
    (await claim(folder, place()))();
    expect(existsSync(join(folder, 'starting.json'))).toBe(false);
  });

  it('is free after a start that was killed', async () => {
    writeFileSync(join(folder, 'starting.json'), JSON.stringify({ pid: gone(), since: Date.now() }));
    (await claim(folder, place()))();
  });

  it('is refused while one runs there, and free where its process number has gone to somebody else', async () => {
    const server = createServer((_, answer) => answer.end()).listen(0, '127.0.0.1');
    await new Promise((ready) => server.once('listening', ready));
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    writeFileSync(place(), JSON.stringify({ pid: process.pid, endpoint }));
    await expect(claim(folder, place())).rejects.toThrow(`it runs already (process ${process.pid}, ${endpoint})`);
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
    (await claim(folder, place()))();
  });
});
