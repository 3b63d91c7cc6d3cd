/**
 * `npm run bench`: measures the figures and writes them, with how they were measured, to docs/benchmarks.md.
 * With `-- --tests` it runs and times `npm test` too.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { bundleFunctions } from '../infra/bundle.ts';
import { functionsFolder } from '../infra/code.ts';
import { readConfig } from '../infra/config-file.ts';
import { month } from './month.ts';
import { Bench } from './release.ts';

const root = resolve(import.meta.dirname, '..');

interface Figure {
  readonly what: string;
  readonly atMost: string;
  readonly found: string;
  readonly reached: boolean;
  readonly how: string;
  /** What keeps it from its goal, where it may not be reached. */
  readonly why: string;
}

const figures: Figure[] = [];
const note = (what: string, atMost: string, found: string, reached: boolean, how: string, why = 'Not looked into yet.') => {
  figures.push({ what, atMost, found, reached, how, why });
  process.stdout.write(`${reached ? '✓' : '✗'} ${what}: ${found} (goal: ${atMost})\n`);
};

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

/** Real milliseconds of a command; the median of several runs. */
function time(command: string, args: readonly string[], runs: number): number {
  return median(
    Array.from({ length: runs }, () => {
      const began = performance.now();
      const { status, stderr } = spawnSync(command, args, { cwd: root, encoding: 'utf8' });
      if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`);
      return performance.now() - began;
    }),
  );
}

async function releases(): Promise<void> {
  const bench = await Bench.open();
  try {
    await bench.release(5, 0);
    const minute = await bench.release(30, 60_000);
    const hour = await bench.release(3_600, 7 * 24 * 3_600_000 - 3_600_000);
    const same = JSON.stringify(minute.ecsCalls) === JSON.stringify(hour.ecsCalls);
    note(
      'ECS calls for one service and environment',
      '3, and no poll',
      `${minute.ecsPerEnvironment} in a minute, ${hour.ecsPerEnvironment} in an hour`,
      minute.ecsPerEnvironment <= 3 && same,
      `Counted by the meter over four environments, tasks healthy after 30 s and after an hour: ${JSON.stringify(hour.ecsCalls)}.`,
    );
    note(
      'transitions of a release, four environments, two approvals',
      '41',
      `${minute.transitions} with waits of a minute, ${hour.transitions} with waits of a week`,
      Math.max(minute.transitions, hour.transitions) <= 41,
      'States entered in the release and its four promotions, retries included, as Step Functions bills them.',
    );
    note(
      'AWS calls of that release',
      '160',
      `${minute.calls}`,
      minute.calls <= 160,
      'All that the meter counts from the push to the end: of the push itself, of functions and workflows, of people who approve. `npm run bench:calls` shows each of them. After five minutes warm functions have forgotten the parameters of an environment: one call more for each.',
    );
    note(
      'price of its orchestration',
      '$0.0010',
      `$${minute.dollars.toFixed(5)}`,
      minute.dollars <= 0.001,
      'The meter with the list prices in local/core/prices.ts, without free tier: Step Functions, Lambda (with warm functions), DynamoDB, SNS, logs. Metrics and alarms cost by the month and are not in it.',
      'Four fifths of it are state transitions, at $25 a million; most of the rest are writes of the ledger. One transaction instead of several writes costs twice their units, and the meter counts the entries of the index twice with them.',
    );
    const warm = [];
    for (let run = 0; run < 5; run++) warm.push((await bench.release(5, 0)).milliseconds);
    note(
      'one whole release on local AWS, virtual time',
      '200 ms',
      `${median(warm).toFixed(0)} ms`,
      median(warm) <= 200,
      'From the push over HTTP to the end in live, approvals at once; the median of five after one to warm up.',
      `It makes ${minute.calls} AWS calls in about thirty Lambda invocations, each through the real SDK: middleware, serialization, signature and their counterparts cost about a millisecond for each.`,
    );
    await aboveFloor(bench);
  } finally {
    await bench.close();
  }
}

async function months(): Promise<void> {
  const { releases, requests, start, folder, journal, snapshot } = await month();
  const megabytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MB`;
  note(
    'start of a data folder with a month in it',
    '5 s',
    `${(start / 1000).toFixed(1)} s`,
    start <= 5_000,
    `The example with thirty virtual days behind it, ${releases} releases into live and ${requests} requests from outside; from the call until every port answers, synthesis included. The folder holds ${megabytes(folder)} beside the assemblies: a journal of ${megabytes(journal)}, two snapshots of ${megabytes(snapshot)}, and the layers of the images. \`npm run bench:month\` measures the start without a snapshot, too.`,
  );
}

/** User CPU of some work, in milliseconds. */
async function userTime(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  return process.cpuUsage(before).user / 1000;
}

async function aboveFloor(bench: Bench): Promise<void> {
  const floor = await bench.floor();
  try {
    const [least, whole]: [number[], number[]] = [[], []];
    // In turn, so that both are as warm and as disturbed. The first ten are to warm up.
    for (let run = 0; run < 30; run++) {
      const [one, other] = [await userTime(() => floor.run()), await userTime(() => bench.release(5, 0))];
      if (run < 10) continue;
      least.push(one);
      whole.push(other);
    }
    const ratio = median(whole) / median(least);
    note(
      'user CPU of a release on local AWS',
      '1.6 × its floor',
      `${ratio.toFixed(2)} × (${median(whole).toFixed(0)} ms of ${median(least).toFixed(0)} ms)`,
      ratio <= 1.6,
      `The floor is what no emulator can save: the ${floor.calls} calls that the Lambdas of a release make, made again by the same SDK clients, bundled and run in realms as functions are, against an answer from memory that comes at once. Medians of twenty, in turn, in the same process.`,
      'No single thing is left that costs much. Of what lies above the floor, as a profile shows, about a third is local AWS answering calls (some 0.15 ms each, DynamoDB included), a fifth is that the same clients run slower between other work than alone, an eighth the functions themselves; the rest is executions, events, tasks, the push over HTTP and the collection of garbage.',
    );
  } finally {
    await floor.close();
  }
}

async function bundles(): Promise<void> {
  const folder = mkdtempSync(join(root, 'node_modules/.bench-'));
  try {
    const pipeline = await readConfig(join(root, 'examples/acme/shiplock.config.ts'));
    const slim = await bundleFunctions(pipeline, functionsFolder, join(folder, 'slim'));
    const names = Object.keys(slim);
    await build({
      entryPoints: Object.fromEntries(names.map((name) => [name, join(functionsFolder, `${name}.ts`)])),
      outdir: join(folder, 'outside'),
      bundle: true,
      platform: 'node',
      target: 'node24',
      format: 'cjs',
      outExtension: { '.js': '.cjs' },
      mainFields: ['module', 'main'],
      minify: true,
      external: ['@aws-sdk/*', '@smithy/*'],
      logLevel: 'error',
    });
    const size = (name: string) => statSync(join(slim[name]!, 'index.js')).size;
    const largest = names.toSorted((a, b) => size(b) - size(a))[0]!;
    const smallest = names.toSorted((a, b) => size(a) - size(b))[0]!;
    note(
      'each Lambda bundle',
      '350 KB',
      `${(size(largest) / 1024).toFixed(0)} KB the largest (${largest}), ${(size(smallest) / 1024).toFixed(0)} KB the smallest (${smallest})`,
      size(largest) <= 350 * 1024,
      'Minified CommonJS by esbuild, SDK included; KB of 1,024 bytes.',
    );
    const init = (file: string) =>
      time(process.execPath, ['-e', `require(${JSON.stringify(file)})`], 9) - time(process.execPath, ['-e', '1'], 9);
    for (const [name, atMost, which] of [
      [largest, 0.4, 'largest'],
      [smallest, 0.6, 'smallest'],
    ] as const) {
      writeFileSync(join(slim[name]!, 'package.json'), '{"type":"commonjs"}');
      const ratio = init(join(slim[name]!, 'index.js')) / init(join(folder, `outside/${name}.cjs`));
      note(
        `init of the ${which} bundle`,
        `${atMost} × the same with the SDK outside`,
        `${ratio.toFixed(2)} × (${name})`,
        ratio <= atMost,
        'A fresh Node 24 process that loads the bundle, less one that loads nothing; medians of nine, both in this run.',
      );
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Loaded before a command: writes the microseconds that its process has worked to the file number 3. */
const METER = `process.on('exit', () => {
  const { user, system } = process.cpuUsage();
  process.getBuiltinModule('node:fs').writeSync(3, String(user + system));
});`;

/** User and system seconds of the built command; the median of several runs. */
function cpuSeconds(words: readonly string[], runs: number): number {
  const args = ['--import', `data:text/javascript,${encodeURIComponent(METER)}`, 'dist/shiplock.js', ...words];
  return median(
    Array.from({ length: runs }, () => {
      const { status, output } = spawnSync(process.execPath, args, {
        cwd: root,
        encoding: 'utf8',
        stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
      });
      if (status !== 0) throw new Error(`shiplock ${words.join(' ')}: ${output[2]}`);
      return Number(output[3]) / 1e6;
    }),
  );
}

/** Seconds from the call of `shiplock local` to the first answer at its endpoint. */
async function untilLocalAnswers(folder: string): Promise<number> {
  const began = performance.now();
  const words = ['local', 'examples/acme', '--json', '--data', folder, '--start', '2026-11-23T09:00:00+01:00'];
  const local = spawn(process.execPath, ['dist/shiplock.js', ...words], { cwd: root, stdio: ['ignore', 'pipe', 'ignore'] });
  try {
    for await (const line of createInterface(local.stdout)) {
      const { endpoint } = JSON.parse(line) as { endpoint?: string };
      if (endpoint === undefined) continue;
      // Whatever it says to a request that is not signed: it answers.
      await fetch(endpoint);
      return (performance.now() - began) / 1000;
    }
    throw new Error('shiplock local ended before it answered');
  } finally {
    local.kill('SIGTERM');
    await once(local, 'exit');
  }
}

async function commands(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'shiplock-bench-'));
  try {
    const began = performance.now();
    execFileSync('npm', ['start', '--', '--data', folder], { cwd: root, stdio: 'ignore' });
    const seconds = (performance.now() - began) / 1000;
    note(
      'npm start, everything included',
      '20 s',
      `${seconds.toFixed(1)} s`,
      seconds <= 20,
      'One run after npm ci: build, synthesis, boot, a working week in virtual time, the report.',
      'The week itself is all of it but two seconds, and keeps one core busy: it is as slow as that core is at the moment.',
    );
    const status = cpuSeconds(['status', '--data', folder], 5);
    note(
      'shiplock status on the folder of that rehearsal',
      '0.5 s of CPU',
      `${status.toFixed(2)} s`,
      status <= 0.5,
      'User and system time of the process, the median of five.',
    );
    const answers = [await untilLocalAnswers(join(folder, 'new')), await untilLocalAnswers(join(folder, 'new'))];
    note(
      'shiplock local answers',
      '3 s',
      `${answers.map((one) => one.toFixed(1)).join(' s, and in its folder again ')} s`,
      Math.max(...answers) <= 3,
      'From its call to the first request that is answered at its endpoint: with a new folder, and once more with the same.',
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  // The command that was just built.
  const help = time(process.execPath, ['dist/shiplock.js', '--help'], 15);
  const nothing = time(process.execPath, ['-e', '1'], 15);
  note(
    'shiplock --help',
    '1.5 × node -e 1',
    `${(help / nothing).toFixed(2)} ×`,
    help / nothing <= 1.5,
    'Medians of fifteen, both in this run.',
  );
}

function fidelity(): void {
  const { stdout } = spawnSync(process.execPath, ['test/fidelity/run.ts', '--json'], { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 26 });
  try {
    const { agreements } = JSON.parse(stdout) as { agreements: { folder: string; total: number; agreed: number }[] };
    for (const { folder, total, agreed } of agreements)
      note(
        `agreement with recordings: ${folder}`,
        '95 % or more',
        `${agreed} of ${total}`,
        agreed / total >= 0.95,
        'npm run fidelity, against what the real AWS did.',
      );
  } catch {
    process.stdout.write('no recordings here: agreement is not measured\n');
  }
}

/** What tests write is written to this terminal. */
function tests(): void {
  const began = performance.now();
  const { status } = spawnSync('npm', ['test'], { cwd: root, stdio: 'inherit' });
  if (status !== 0) throw new Error('npm test failed: there is nothing to measure');
  const minutes = (performance.now() - began) / 60_000;
  note(
    'npm test',
    '5 min',
    `${minutes.toFixed(1)} min`,
    minutes <= 5,
    `One run on ${cpus().length} cores: types, lint, format and all tests, 100 random histories among them.`,
    'Journeys are a third of it, random histories a fifth, planted mistakes a tenth: all of them live through whole runs of the pipeline with hundreds of AWS calls through the real SDK. Vitest spreads them over the cores there are.',
  );
}

function write(): void {
  const rows = figures.map(({ what, atMost, found, reached }) => `| ${what} | ${atMost} | ${found} | ${reached ? 'yes' : '**no**'} |`);
  const said = new Map<string, string[]>();
  for (const { what, how } of figures) said.set(how, [...(said.get(how) ?? []), what]);
  const how = [...said].map(([text, whats]) => `- **${whats.join(', ')}.** ${text}`);
  const missed = figures
    .filter(({ reached }) => !reached)
    .map(({ what, atMost, found, why }) => `- **${what}**: ${found} instead of ${atMost}. ${why}`);
  const text = [
    '# Benchmarks',
    '',
    'Written by `npm run bench`. Machines are noisy: what is a ratio was measured on both sides in the same run; seconds are those of the machine that ran it (2 cores). They are goals of a benchmark, not tests.',
    '',
    '| what | goal, at most | found | reached |',
    '|---|---|---|---|',
    ...rows,
    '',
    '## How each was measured',
    '',
    ...how,
    '',
    ...(missed.length > 0 ? ['## What is not reached, and why', '', ...missed, ''] : []),
    ...(measured.tests ? [] : ['`npm test` (goal: 5 min) was not measured in this run: `npm run bench -- --tests` does.', '']),
  ].join('\n');
  writeFileSync(join(root, 'docs/benchmarks.md'), text);
}

const { values: measured } = parseArgs({ options: { tests: { type: 'boolean', default: false } } });

if (readdirSync(root).includes('docs')) {
  await releases();
  await months();
  await bundles();
  await commands();
  fidelity();
  if (measured.tests) tests();
  write();
}
