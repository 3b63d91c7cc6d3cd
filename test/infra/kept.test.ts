import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Kept } from '../../infra/kept.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kept-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const write = (name: string, text: string) => async (aside: string) => writeFileSync(join(aside, name), text);
const hoursAgo = (path: string, hours: number) =>
  utimesSync(path, new Date(Date.now() - hours * 3_600_000), new Date(Date.now() - hours * 3_600_000));

describe('what is kept', () => {
  it('is found once it is whole, and not before', async () => {
    const kept = new Kept(folder, 10);
    expect(kept.find('a')).toBeUndefined();
    await kept.make(async (aside) => {
      writeFileSync(join(aside, 'a'), 'half');
      expect(kept.find('a')).toBeUndefined();
      writeFileSync(join(aside, 'a'), 'whole');
    });
    expect(readFileSync(kept.find('a')!, 'utf8')).toBe('whole');
  });

  it('is nothing of what could not be made, and leaves nothing behind', async () => {
    const kept = new Kept(folder, 10);
    const failing = kept.make(async (aside) => {
      writeFileSync(join(aside, 'a'), 'half');
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(readdirSync(folder)).toEqual([]);
  });

  it('may be made by several at once, files and folders', async () => {
    const kept = new Kept(folder, 10);
    let both = 0;
    const make = async (aside: string) => {
      mkdirSync(join(aside, 'assembly'));
      writeFileSync(join(aside, 'assembly/manifest.json'), '{}');
      writeFileSync(join(aside, 'code.js'), '1');
      both++;
      while (both < 2) await new Promise(setImmediate);
    };
    await Promise.all([kept.make(make), kept.make(make)]);
    expect(readdirSync(folder).sort()).toEqual(['assembly', 'code.js']);
    expect(readFileSync(join(kept.find('assembly')!, 'manifest.json'), 'utf8')).toBe('{}');
  });

  it('is removed when there is too much of it, the longest unused first, and never what was used within three hours', async () => {
    const kept = new Kept(folder, 2);
    for (const name of ['used', 'old', 'older', '.aside-of-a-crash']) writeFileSync(join(folder, name), '');
    hoursAgo(join(folder, 'used'), 5);
    hoursAgo(join(folder, 'old'), 4);
    hoursAgo(join(folder, 'older'), 6);
    hoursAgo(join(folder, '.aside-of-a-crash'), 100);
    kept.find('used');
    await kept.make(write('new', ''));
    expect(readdirSync(folder).sort()).toEqual(['new', 'used']);
    await kept.make(write('newer', ''));
    expect(existsSync(join(folder, 'used'))).toBe(true);
  });
});
