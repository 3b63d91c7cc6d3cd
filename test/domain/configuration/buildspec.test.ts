import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildspecFaults } from '../../../domain/configuration/buildspec.ts';

const folder = resolve(import.meta.dirname, '../../fixtures/buildspecs');

describe('a buildspec', () => {
  for (const file of readdirSync(folder))
    it(`as teams keep it is taken: ${file}`, () => expect(buildspecFaults(readFileSync(join(folder, file), 'utf8'))).toEqual([]));

  it.each([
    ['that is no YAML', 'version: 0.2\nphases:\n  build: [\n', /^\d+:\d+ is no YAML: /],
    ['that is a text', 'make test', / is no buildspec/],
    ['without a version', 'phases: { build: { commands: [x] } }', /^: version is missing; write 0\.2/],
    ['of a version that there is not', 'version: 2\nphases: { build: { commands: [x] } }', /^: version is 2; write 0\.2/],
    ['without phases', 'version: 0.2', /^: phases is missing/],
    [
      'whose section is misspelt',
      'version: 0.2\nphase: {}\nphases: { build: { commands: [x] } }',
      /^: phase is unknown, did you mean "phases"/,
    ],
    [
      'with a phase that there is not',
      'version: 0.2\nphases: { biuld: { commands: [x] } }',
      /^: there is no phase "biuld", did you mean "build"/,
    ],
    ['with an empty phase', 'version: 0.2\nphases:\n  build:', /^: phases\.build has nothing to do/],
    [
      'whose commands are misspelt',
      'version: 0.2\nphases: { build: { comands: [x] } }',
      /^: phases\.build\.comands is unknown, did you mean "commands"/,
    ],
    ['whose commands are no list', 'version: 0.2\nphases: { build: { commands: make } }', /^: phases\.build\.commands is no list/],
    [
      'with a command that YAML reads as keys',
      'version: 0.2\nphases:\n  build:\n    commands:\n      - echo a: b',
      /^: phases\.build\.commands\[0\] is no command but has keys/,
    ],
  ])('%s is refused, with the way out', (_, text, fault) => expect(buildspecFaults(text)).toEqual([expect.stringMatching(fault)]));
});
