/** `npm run planted [-- [--all] [part of a name]]`: plants bugs into a copy of local AWS, one at a time, and shows which recordings or unit tests catch each. Ends with 1 where one is not caught. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { BUGS, type Bug } from './bugs.ts';
import { recordings } from './folder.ts';
import type { Judgement } from './judge.ts';

const root = resolve(import.meta.dirname, '../..');
const [wanted = ''] = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
/** Run the unit tests also where a recording has caught the bug already. */
const all = process.argv.includes('--all');
/** What is copied: the sources, and what their tests read beside them. */
const COPIED = ['local', 'domain', 'aws', 'test/local', 'test/fidelity', 'package.json', 'tsconfig.json'];

const copy = mkdtempSync(join(tmpdir(), 'planted-'));
for (const part of COPIED) cpSync(join(root, part), join(copy, part), { recursive: true });
symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
// Nothing has to be built for these tests.
writeFileSync(join(copy, 'vitest.config.ts'), "export default { test: { include: ['test/**/*.test.ts'], testTimeout: 60_000 } };\n");

/** Names of recorded cases that differ. */
function byRecordings({ recordings: families }: Bug): string[] {
  if (recordings === undefined) return [];
  return families.flatMap((family) => {
    const env = { ...process.env, SHIPLOCK_RECORDINGS: recordings };
    const { stdout } = spawnSync(process.execPath, ['test/fidelity/run.ts', '--json', family], {
      cwd: copy,
      encoding: 'utf8',
      env,
      maxBuffer: 2 ** 26,
    });
    if (stdout === '') return [`${family} (the judge breaks)`];
    const { agreements } = JSON.parse(stdout) as Judgement;
    return agreements.flatMap(({ folder, differences }) => differences.map(({ name }) => `${folder}/${name}`));
  });
}

/** How many unit tests fail. */
function byTests({ tests }: Bug): number {
  const report = join(copy, 'report.json');
  rmSync(report, { force: true });
  const args = ['node_modules/vitest/vitest.mjs', 'run', '--reporter=json', `--outputFile=${report}`, '--bail=3', tests];
  spawnSync(process.execPath, args, { cwd: copy, stdio: 'ignore' });
  const { numFailedTests, numTotalTests } = JSON.parse(readFileSync(report, 'utf8')) as Record<'numFailedTests' | 'numTotalTests', number>;
  // A file that cannot even be loaded has no tests.
  return numTotalTests === 0 ? 1 : numFailedTests;
}

function plant(bug: Bug): string {
  const file = join(copy, bug.file);
  const before = readFileSync(file, 'utf8');
  const places = before.split(bug.find).length - 1;
  if (places !== 1) throw new Error(`${bug.name}: its place is found ${places} times in ${bug.file}; say in bugs.ts where it is now`);
  writeFileSync(
    file,
    before.replace(bug.find, () => bug.put),
  );
  return before;
}

let missed = 0;
try {
  for (const bug of BUGS.filter(({ name }) => name.includes(wanted))) {
    const before = plant(bug);
    const cases = byRecordings(bug);
    const tests = cases.length === 0 || all ? byTests(bug) : 0;
    writeFileSync(join(copy, bug.file), before);
    const caught = cases.length + tests > 0;
    if (!caught) missed++;
    const which = [
      ...(cases.length > 0 ? [`${cases.length} recordings, such as ${cases[0]}`] : []),
      ...(tests > 0 ? [`${tests} or more tests of ${bug.tests}`] : []),
    ];
    console.log(`${caught ? 'caught' : 'MISSED'}  ${bug.name}${caught ? `: ${which.join('; ')}` : ''}`);
  }
} finally {
  rmSync(copy, { recursive: true, force: true });
}
if (missed > 0) {
  console.error(`${missed} bugs were not caught.`);
  process.exitCode = 1;
}
