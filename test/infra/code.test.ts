import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { codeOf } from '../../infra/code.ts';
import { Kept } from '../../infra/kept.ts';

let base: string;
let kept: Kept;
const functions = () => join(base, 'functions');
const write = (path: string, text: string) => writeFileSync(join(base, path), text);
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'code-'));
  kept = new Kept(join(base, 'kept'), 100);
  mkdirSync(functions());
  mkdirSync(join(base, 'domain'));
  write('domain/word.ts', "export const word = 'fine';");
  write('functions/says.ts', "import { word } from '../domain/word.ts';\nexport const handler = () => word;");
  write('functions/counts.ts', 'export const handler = () => 1;');
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const require = createRequire(import.meta.url);
const answerOf = (file: string) => (require(file) as { handler(): unknown }).handler();
const fileOf = async (name: string) => (await codeOf(functions(), kept)).get(name)!;

describe('the code of functions', () => {
  it('is compiled once for what stands in its sources, and is found again', async () => {
    const first = await codeOf(functions(), kept);
    expect([...first.keys()]).toEqual(['counts', 'says']);
    expect(answerOf(first.get('says')!)).toBe('fine');
    writeFileSync(first.get('says')!, 'not made again');
    expect(await codeOf(functions(), kept)).toEqual(first);
    expect(readFileSync(first.get('says')!, 'utf8')).toBe('not made again');
  });

  it('is compiled again when a file has changed that it reaches, and no other is', async () => {
    const before = await codeOf(functions(), kept);
    write('domain/word.ts', "export const word = 'better';");
    const after = await codeOf(functions(), kept);
    expect(answerOf(after.get('says')!)).toBe('better');
    expect(after.get('counts')).toBe(before.get('counts'));
    expect(readdirSync(kept.folder)).toHaveLength(3);
  });

  it('is that of before when a change is taken back', async () => {
    const before = await fileOf('says');
    write('domain/word.ts', "export const word = 'better';");
    expect(await fileOf('says')).not.toBe(before);
    write('domain/word.ts', "export const word = 'fine';");
    expect(await fileOf('says')).toBe(before);
  });

  it('is another when one of them names an error that none did: what is left out of the SDK depends on all of them', async () => {
    const before = await fileOf('says');
    write('functions/counts.ts', "export const handler = () => 'ImageNotFoundException';");
    expect(await fileOf('says')).not.toBe(before);
  });

  it('is the same wherever the folder is', async () => {
    const says = basename(await fileOf('says'));
    const elsewhere = mkdtempSync(join(tmpdir(), 'code-elsewhere-'));
    for (const folder of ['functions', 'domain']) {
      mkdirSync(join(elsewhere, folder));
      for (const name of readdirSync(join(base, folder)))
        writeFileSync(join(elsewhere, folder, name), readFileSync(join(base, folder, name)));
    }
    expect(basename((await codeOf(join(elsewhere, 'functions'), kept)).get('says')!)).toBe(says);
    rmSync(elsewhere, { recursive: true });
  });

  it('leaves nothing of what cannot be compiled', async () => {
    write('functions/counts.ts', 'export const handler = (');
    await expect(codeOf(functions(), kept)).rejects.toThrow('counts.ts');
    expect(readdirSync(kept.folder)).toEqual([]);
  });

  it('is refused where a file is imported in a way that would not be noticed when it changes', async () => {
    write('functions/counts.ts', 'export const handler = async () => (await import(`../domain/word.ts`)).word;');
    await expect(codeOf(functions(), kept)).rejects.toThrow('domain/word.ts: imported in a way');
  });

  it('is never kept under the name of sources that were replaced while they were compiled', async () => {
    const compiling = codeOf(functions(), kept);
    // The sources have been looked at, and the compiler is only being started.
    while (!existsSync(kept.folder)) await new Promise(setImmediate);
    write('domain/word.ts', "export const word = 'better';");
    expect(answerOf((await compiling).get('says')!)).toBe('better');
    write('domain/word.ts', "export const word = 'fine';");
    expect(answerOf(await fileOf('says'))).toBe('fine');
  });

  it('comes whole to several processes that ask at once', async () => {
    const program = `
      import { codeOf } from ${JSON.stringify(join(import.meta.dirname, '../../infra/code.ts'))};
      import { Kept } from ${JSON.stringify(join(import.meta.dirname, '../../infra/kept.ts'))};
      const code = await codeOf(${JSON.stringify(functions())}, new Kept(${JSON.stringify(kept.folder)}, 100));
      const { handler } = (await import('node:module')).createRequire(import.meta.url)(code.get('says'));
      process.stdout.write(handler());`;
    const answers = await Promise.all(
      [1, 2, 3].map(() => promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], { cwd: base })),
    );
    expect(answers.map(({ stdout }) => stdout)).toEqual(['fine', 'fine', 'fine']);
    expect(readdirSync(kept.folder)).toHaveLength(2);
  });
});
