/** Arrows between folders go one way; this says which, and fails on a wrong one. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '..');

/** Which of our own folders a folder may import, besides itself. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  domain: [],
  aws: ['domain'],
  functions: ['aws', 'domain'],
  infra: ['domain'],
  local: [],
  rehearsal: ['aws', 'domain', 'infra', 'local'],
  cli: ['aws', 'domain', 'infra', 'local', 'rehearsal'],
  examples: ['domain', 'rehearsal'],
  bench: ['aws', 'domain', 'infra', 'local', 'rehearsal'],
};

/** Only these may import the AWS SDK: the one adapter folder, and local AWS, which reads the clients' schemas. */
const MAY_USE_SDK = ['aws', 'local', 'rehearsal', 'bench'];

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name));
}

const imports = (file: string) =>
  [...readFileSync(file, 'utf8').matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map((match) => match[1] ?? '');

describe('imports', () => {
  for (const [folder, allowed] of Object.entries(MAY_IMPORT)) {
    it(`${folder} imports ${allowed.length > 0 ? `only ${allowed.join(', ')}` : 'nothing of ours'}`, () => {
      const wrong = sources(folder).flatMap((file) =>
        imports(file)
          .filter((target) => target.startsWith('.'))
          .map((target) => relative(root, resolve(dirname(file), target)).split('/')[0] ?? '')
          .filter((target) => target !== folder && !allowed.includes(target))
          .map((target) => `${relative(root, file)} imports ${target}`),
      );
      expect(wrong).toEqual([]);
    });

    it(`${folder} ${MAY_USE_SDK.includes(folder) ? 'may import' : 'does not import'} the AWS SDK`, () => {
      if (MAY_USE_SDK.includes(folder)) return;
      const wrong = sources(folder).filter(
        (file) => [...readFileSync(file, 'utf8').matchAll(/import (?!type )[^;]*?from '(@aws-sdk\/client-[^']+)'/g)].length > 0,
      );
      expect(wrong.map((file) => relative(root, file))).toEqual([]);
    });
  }

  it('the rules of domain know no clock and no chance', () => {
    const wrong = sources('domain').filter((file) =>
      /\bDate\.now\(|new Date\(\)|Math\.random|setTimeout|process\.env/.test(readFileSync(file, 'utf8')),
    );
    expect(wrong.map((file) => relative(root, file))).toEqual([]);
  });
});
