/**
 * `npm run simulate`: random histories, as many as one likes, on all cores: `-- --histories N --seed S`. With `-- --sweep` every single
 * fault at every call of the runs into test. It prints the seed, and for each failure one command that repeats it; exit code 1 if there is any.
 */
import { fork } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { simulationAssembly } from './assembly.ts';
import { FaultyRun, type Planted, runs } from './faults.ts';
import { live } from './history.ts';

/** One thing to try. */
type Trial = { readonly seed: number } | { readonly run: number; readonly fault: Planted };
/** What came of it: nothing is wrong with it if there is no text. */
interface Result {
  readonly trial: Trial;
  readonly wrong?: string;
}

const { values } = parseArgs({
  options: {
    histories: { type: 'string' },
    seed: { type: 'string' },
    sweep: { type: 'boolean', default: false },
    run: { type: 'string' },
    fault: { type: 'string' },
    worker: { type: 'string' },
  },
});

function wholeNumber(name: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  process.stderr.write(`--${name} ${text}: a whole number is needed\n`);
  process.exit(2);
}

/** Tries what it is sent, in a process of its own. */
function work(assembly: string): void {
  const opened = new Map<number, Promise<FaultyRun>>();
  const faulty = (index: number) => {
    const run = opened.get(index) ?? FaultyRun.of(assembly, runs[index]!.circumstances);
    opened.set(index, run);
    return run;
  };
  process.on('message', (trial: Trial) => {
    void attempt(trial)
      .catch((error: Error) => error.stack ?? error.message)
      .then((wrong) => process.send!({ trial, ...(wrong ? { wrong } : {}) } satisfies Result));
  });
  process.on('disconnect', () => process.exit());

  async function attempt(trial: Trial): Promise<string | undefined> {
    if ('run' in trial) return (await faulty(trial.run)).differs([trial.fault]);
    const { violations, story } = await live(trial.seed, assembly);
    return violations.length > 0 ? [...story, ...violations].join('\n') : undefined;
  }
}

/** The command that tries the same again. */
const again = (trial: Trial): string =>
  'run' in trial
    ? `npm run simulate -- --sweep --run ${trial.run} --fault ${trial.fault.kind}:${trial.fault.nth}`
    : `npm run simulate -- --histories 1 --seed ${trial.seed}`;

/** @returns the faults that are chosen: all, those of one run, or one of it */
async function sweepOf(assembly: string): Promise<Trial[]> {
  const only = values.run === undefined ? undefined : wholeNumber('run', values.run, 0);
  const [kind, nth] = values.fault?.split(':') ?? [];
  const chosen = runs.map((_, index) => index).filter((index) => only === undefined || index === only);
  const trials = await Promise.all(
    chosen.map(async (run) => (await FaultyRun.of(assembly, runs[run]!.circumstances)).singles.map((fault) => ({ run, fault }))),
  );
  return trials.flat().filter(({ fault }) => kind === undefined || (fault.kind === kind && fault.nth === Number(nth)));
}

/** Spreads the trials over as many processes as there are cores. @returns those that went wrong */
async function spread(trials: readonly Trial[], assembly: string, tell: (done: number, wrong: number) => void): Promise<Result[]> {
  const left = [...trials];
  const wrong: Result[] = [];
  let done = 0;
  const workers = Array.from({ length: Math.min(availableParallelism(), trials.length) }, async () => {
    const worker = fork(import.meta.filename, ['--worker', assembly], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    for (let trial = left.shift(); trial !== undefined; trial = left.shift()) {
      const sent = trial;
      const result = await new Promise<Result>((resolve) => {
        const died = () => resolve({ trial: sent, wrong: 'its process ended' });
        worker.once('exit', died);
        worker.once('message', (message) => {
          worker.off('exit', died);
          resolve(message as Result);
        });
        worker.send(sent);
      });
      if (result.wrong) wrong.push(result);
      tell(++done, wrong.length);
    }
    worker.disconnect();
  });
  await Promise.all(workers);
  return wrong;
}

if (values.worker !== undefined) work(values.worker);
else {
  const seed = wholeNumber('seed', values.seed, randomInt(1, 1_000_000));
  const count = wholeNumber('histories', values.histories, 100);
  const assembly = await simulationAssembly();
  try {
    const trials = values.sweep ? await sweepOf(assembly.folder) : Array.from({ length: count }, (_, index) => ({ seed: seed + index }));
    const what = values.sweep ? `${trials.length} single faults` : `${count} histories from seed ${seed} on`;
    process.stdout.write(`${what}\n`);
    const began = performance.now();
    const tell = (done: number, wrong: number) => {
      const left = ((performance.now() - began) / done) * (trials.length - done);
      if (process.stdout.isTTY)
        process.stdout.write(`\r\u001b[2K${done} of ${trials.length}, ${wrong} wrong, ${Math.ceil(left / 1000)} s left`);
    };
    const wrong = await spread(trials, assembly.folder, tell);
    if (process.stdout.isTTY) process.stdout.write('\r\u001b[2K');
    for (const { trial, wrong: text } of wrong) process.stdout.write(`\n${text}\nagain: ${again(trial)}\n`);
    process.stdout.write(
      `${trials.length - wrong.length} hold, ${wrong.length} do not, in ${((performance.now() - began) / 1000).toFixed(0)} s\n`,
    );
    process.exitCode = wrong.length > 0 || trials.length === 0 ? 1 : 0;
  } finally {
    assembly.remove();
  }
}
