/** Every class of local AWS is either part of what is saved of a world, or known not to be. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../../../local');

/** Folders whose objects stand outside of a world, or work for it and hold nothing of it. */
const OUTSIDE = ['snapshot', 'outer', 'registry', 'runtime', 'core/protocols'];

/** Classes whose objects live for one call, or come about again when the world is loaded. */
const FLEETING = [
  // Interpreting a definition, an expression or a pattern.
  ...['Branch', 'Compiler', 'Constant', 'Expression', 'Lint', 'Members', 'Parser', 'Past', 'Placeholders', 'Retries', 'StackScope', 'Test'],
  ...['PathField', 'PathReader', 'Reader', 'Search', 'TokenReader', 'Value'],
  // Inside of one call.
  ...['Capacity', 'Deployment'],
  // A build is a process of this machine: no world is saved while one runs.
  ...['BuildLog', 'Busy', 'Run', 'Shell', 'Workspace'],
  // What comes about again when an execution is run again.
  'Running',
  // A world that is over.
  'EndedWorld',
];

function classesIn(folder: string): { readonly file: string; readonly name: string }[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !OUTSIDE.some((outside) => file.startsWith(join(root, outside))))
    .flatMap((file) =>
      [...readFileSync(file, 'utf8').matchAll(/^(?:export )?(?:abstract )?class (\w+)(?: extends (\w+))?/gm)]
        .filter(([, , base]) => base === undefined || !base.endsWith('Error'))
        .map(([, name]) => ({ file, name: name! })),
    );
}

describe('the list of classes that are saved', () => {
  it('has every class of local AWS whose objects may be part of a world', () => {
    const saved = readFileSync(join(root, 'snapshot/saved.ts'), 'utf8');
    const imported = new Set(
      [...saved.matchAll(/import \{([^}]*)\}/g)].flatMap(([, names]) => names!.split(',').map((one) => one.trim().split(' ')[0])),
    );
    // A base is saved as the class that extends it.
    const bases = classesIn(root).flatMap(({ file }) =>
      [...readFileSync(file, 'utf8').matchAll(/class \w+ extends (\w+)/g)].map(([, base]) => base),
    );
    const missing = classesIn(root).filter(({ name }) => !imported.has(name) && !FLEETING.includes(name) && !bases.includes(name));
    expect(missing).toEqual([]);
  });
});
