/** The documentation says what is so. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { schemaKeys } from '../domain/configuration/schema.ts';
import type { ReleaseState } from '../domain/release/release.ts';
import type { OutcomeKind } from '../domain/workflow/outcome.ts';

const root = resolve(import.meta.dirname, '..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const pages = [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file}`),
];

/** By their types, so that a state that is new has to be named here too. */
const STATES: Readonly<Record<ReleaseState | OutcomeKind, true>> = {
  'in-progress': true,
  succeeded: true,
  superseded: true,
  refused: true,
  failed: true,
  errored: true,
};

/** Words that Shiplock once had of its own, each with the one of the field that took its place. */
const RETIRED: readonly (readonly [RegExp, string])[] = [
  [/\bclimb/i, 'in progress, or moves along the path'],
  [/(?<!promises have )\bsettl(e|es|ed|ing)\b/i, 'recover'],
  [/\bchecks? held\b|\b(has|have|had|never) held\b|\bdid not hold\b/i, 'passed, or succeeded'],
  [/\ba look by\b|\bfor a look\b|\bone look\b/i, 'confirmation, or check'],
  [/\bneeds a person\b/i, 'needs manual intervention'],
  [/\bbrakes?\b/i, 'abort'],
];

/** The texts of a source file: its string literals, without comments. */
const literalsOf = (source: string): readonly string[] =>
  source
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/^\s*\/\/.*$/gm, '')
    .match(/'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`/g) ?? [];

const filesOf = (folder: string, ending: string) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(ending))
    .map((file) => `${folder}/${file}`);

/** The retired words of some texts, with the words to use instead. */
const retiredIn = (texts: readonly string[]) =>
  texts.flatMap((text) => RETIRED.flatMap(([word, instead]) => (word.test(text) ? [`${text.match(word)?.[0]}: say ${instead}`] : [])));

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

  it('has every outcome in its glossary', () => {
    const glossary = read('docs/glossary.md');
    for (const state of Object.keys(STATES)) expect(glossary, state).toContain(`| **${state}** |`);
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

describe('retired words', () => {
  it('are found, in texts and not in comments', () => {
    const source = "/** it climbs */\nconst a = 'runs in test, checks held';\n// it settles\nconst b = `test needs a person`;";
    expect(retiredIn(literalsOf(source))).toEqual([
      'checks held: say passed, or succeeded',
      'needs a person: say needs manual intervention',
    ]);
    expect(retiredIn(['a look by somebody, then it is settled'])).toHaveLength(2);
    expect(retiredIn(['whoever holds the turn', 'the folder holds the pipeline', 'when all promises have settled'])).toEqual([]);
  });

  it.each(pages)('are not in %s', (page) => {
    expect(retiredIn(read(page).split('\n'))).toEqual([]);
  });

  it.each(['cli', 'queries', 'functions', 'domain', 'aws'])('are in no text of %s', (folder) => {
    for (const file of filesOf(folder, '.ts')) expect(retiredIn(literalsOf(read(file))), file).toEqual([]);
  });

  it('are in no workflow', () => {
    for (const file of filesOf('statemachines', '.json')) expect(retiredIn(read(file).split('\n')), file).toEqual([]);
  });
});
