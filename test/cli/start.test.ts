/** What help loads: the command’s own files, so that it starts fast, and a Node that cannot read TypeScript is told so. */
import { readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');

/** Files that are loaded with one, by its imports of more than types; those that wait until they are needed are not among them. */
function loadedWith(file: string, found = new Set<string>()): Set<string> {
  if (found.has(file)) return found;
  found.add(file);
  for (const [, names = '', path = ''] of readFileSync(file, 'utf8').matchAll(/^import ((?!type )[^;]*?) from '(\.[^']+)';/gm)) {
    const isType =
      /^\{[^}]*\}$/.test(names) &&
      names
        .slice(1, -1)
        .split(',')
        .every((name) => /^\s*(type .*)?$/.test(name));
    if (!isType) loadedWith(resolve(dirname(file), path), found);
  }
  return found;
}

it('help loads nothing but the command’s own files', () => {
  const loaded = [...loadedWith(resolve(root, 'cli/main.ts'))].map((file) => relative(root, file));
  expect(loaded.length).toBeGreaterThan(30);
  // scripts/build.ts builds that one in.
  expect(loaded.filter((file) => !file.startsWith('cli/') && file !== 'domain/text/times.ts')).toEqual([]);
});
