/** The documentation says what is so. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { schemaKeys } from '../domain/configuration/schema.ts';

const root = resolve(import.meta.dirname, '..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const pages = [
  'README.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file}`),
];

describe('the documentation', () => {
  it.each(pages)('%s links to files that are there', (page) => {
    for (const [, target = ''] of read(page).matchAll(/\]\(([^)#\s]+)[^)]*\)/g)) {
      if (/^https?:/.test(target)) continue;
      expect(existsSync(resolve(root, dirname(page), target)), `${page}: ${target}`).toBe(true);
    }
  });

  it('says where things are that are there', () => {
    const paths = [...read('docs/architecture.md').matchAll(/`([a-z][\w-]*\/[\w./-]*)`/g)].map(([, path = '']) => path);
    expect(paths.length).toBeGreaterThan(20);
    for (const path of paths) expect(existsSync(join(root, path)), path).toBe(true);
  });

  it('has every key of the configuration in its reference', () => {
    const reference = read('docs/configuration.md');
    for (const key of schemaKeys()) expect(reference, key).toContain(`\`${key.split('.').at(-1)}\``);
  });

  it('names only commands that there are', () => {
    const commands = readdirSync(join(root, 'cli/commands'))
      .filter((file) => file.endsWith('.ts'))
      .map((file) => file.replace('.ts', ''));
    for (const [, verb = ''] of read('README.md').matchAll(/npx shiplock ([a-z]+)/g)) expect(commands).toContain(verb);
  });

  it('names only scripts that there are', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    for (const page of pages)
      for (const [, script = ''] of read(page).matchAll(/npm run ([a-z:]+)/g)) expect(Object.keys(scripts), page).toContain(script);
  });
});
