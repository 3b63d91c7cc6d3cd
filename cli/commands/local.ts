/** `shiplock local`: local AWS and the pipeline in real time, for SDKs, the AWS CLI, container tools and shiplock's own commands. */
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import type { Addresses, RunningPipeline } from '../../rehearsal/running.ts';
import { DATA_FOLDER } from '../connection/folder.ts';
import { claim } from '../connection/folder-claim.ts';
import { dim, good, heading } from '../terminal/colours.ts';
import { EXIT, UsageError } from '../terminal/errors.ts';
import { journalLine } from '../terminal/journal-line.ts';
import { note, print } from '../terminal/output.ts';
import { table } from '../terminal/table.ts';
import { plain, wrapped } from '../terminal/text.ts';
import { wholeNumber } from './shared/options.ts';

interface Options {
  readonly config?: string;
  readonly port?: number;
  readonly speed: number;
  readonly start?: number;
  readonly data?: string;
  readonly writeProfiles?: string;
  readonly run: string;
  readonly json?: boolean;
}

export function addLocal(program: Command): void {
  program
    .command('local')
    .description('keep local AWS and the pipeline running, for any SDK, the AWS CLI and container tools')
    .argument('[config]', 'a shiplock.config.ts, or its folder')
    .option('--config <path>', 'the same as the argument')
    .option(
      '--port <number>',
      'port of the AWS endpoint; registry, decide and load balancers get the next ones (default: free ports)',
      portNumber,
    )
    .option('--speed <number>', 'seconds of the pipeline for each second of yours', speedNumber, 1)
    .option('--start <time>', 'when a new pipeline begins, such as 2026-11-23T08:00:00+01:00 (default: now)', instant)
    .option(
      '--data <folder>',
      `keep everything in this folder, to go on after a restart (default: only the addresses are kept, in ${DATA_FOLDER})`,
    )
    .option('--write-profiles <file>', 'write the profiles to an AWS configuration file')
    .option('--run <how>', 'how tasks run: emulated, or docker for real containers', 'emulated')
    .option('--json', 'print the addresses, then each journal entry, as JSON')
    .addHelpText('after', '\nExample:\n  $ shiplock local examples/acme --port 4566 --speed 60 --data ~/acme')
    .action(async (config: string | undefined, options: Options) => {
      process.exitCode = await local({ ...options, ...(config === undefined ? {} : { config }) });
    });
}

async function local(options: Options): Promise<number> {
  if (!['emulated', 'docker'].includes(options.run))
    throw new UsageError(`--run: unknown value "${plain(options.run)}"; it is emulated or docker`);
  if (options.run === 'docker' && options.speed !== 1)
    throw new UsageError('--run docker: containers live in real time, so --speed is 1; leave one of the two out');
  const began = performance.now();
  const { configPath } = await import('../connection/configuration.ts');
  const config = configPath(options.config);
  const folder = resolve(options.data ?? DATA_FOLDER);
  const file = join(folder, 'local.json');
  refuseForeign(options.writeProfiles);
  const engine = options.run === 'docker' ? await findEngine(folder) : undefined;
  const claimed = await claim(folder);
  const { RunningPipeline } = await import('../../rehearsal/running.ts');
  const { whileWorking, working } = await import('../terminal/spinner.ts');
  const say = (text: string) => {
    if (options.json) note(plain(text));
    else print(dim(plain(text)));
    working(plain(text));
  };
  const settings = {
    config,
    speed: options.speed,
    ...(options.port === undefined ? {} : { port: options.port }),
    say,
    ...(options.data === undefined ? {} : { data: folder }),
    ...(options.start === undefined ? {} : { start: options.start }),
    ...(engine === undefined ? {} : { engine }),
  };
  const running = await whileWorking('starts', () => RunningPipeline.open(settings)).catch((error: NodeJS.ErrnoException) => {
    claimed.release();
    if (error.code === 'EADDRINUSE')
      throw new UsageError(`a port is in use (${error.message}); choose others with --port, or leave it out`);
    if (error.name === 'FolderError') throw new UsageError(error.message);
    throw error;
  });
  try {
    const { timeZone } = running.pipeline;
    const { addresses } = running;
    // So that readers know how old it is.
    const time = { machine: Date.now(), pipeline: running.now(), speed: options.speed };
    const found = { ...addresses, pid: process.pid, speed: options.speed, time };
    // The keys of everybody: for whoever started it only, and never half written.
    rmSync(`${file}.new`, { force: true });
    writeFileSync(`${file}.new`, `${JSON.stringify(found, null, 2)}\n`, { mode: 0o600 });
    renameSync(`${file}.new`, file);
    claimed.becomes(`runs there already, at ${addresses.endpoint}`);
    const profiles = await writeProfiles(options.writeProfiles, addresses);
    await running.onJournal((entry) => print(options.json ? JSON.stringify(entry) : journalLine(entry, timeZone)));
    if (options.json) print(JSON.stringify(found));
    else
      welcome(running, { timeZone, seconds: (performance.now() - began) / 1000, file, profiles, data: options.data, engine: engine?.name });
    await interrupted();
    if (!options.json) print(`\n${dim('stops: closes its ports and saves')}`);
  } finally {
    claimed.becomes('is stopping there, and saves');
    try {
      await running.close();
      await leaveState(running, folder);
      rmSync(file, { force: true });
    } finally {
      claimed.release();
    }
  }
  if (!options.json)
    print(
      options.data === undefined
        ? 'Stopped. Of AWS nothing is kept; `shiplock status` shows what there was. With --data FOLDER it goes on where it stopped.'
        : `Stopped, and saved: \`shiplock local ${options.config ?? ''}${engine ? ' --run docker' : ''} --data ${options.data}\` goes on from here. Requests that load balancers answered are not kept.`,
    );
  return EXIT.done;
}

/** The engine of whoever is at the keyboard, before anything else begins. @throws UsageError where there is none that can run tasks */
async function findEngine(folder: string) {
  const { Docker, EngineError, findEngine: find } = await import('../../local/outer/engine/docker.ts');
  const docker = new Docker();
  try {
    return { docker, ...(await find(docker)), owner: `${hostname()}:${folder}` };
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    throw new UsageError(
      `--run docker: no engine to run containers: ${plain(error.message)}. Start Docker, or name its address in DOCKER_HOST or a context of docker; without --run docker local AWS plays the tasks`,
    );
  }
}

/** A file of somebody's own must not be lost. @throws UsageError */
function refuseForeign(file: string | undefined): void {
  if (file === undefined || !existsSync(file) || readFileSync(file, 'utf8').includes('[profile shiplock-admin]')) return;
  throw new UsageError(`${file}: there is a file that shiplock has not written; name another one with --write-profiles`);
}

async function writeProfiles(file: string | undefined, { profiles, region, endpoint }: Addresses): Promise<string | undefined> {
  if (file === undefined) return undefined;
  const { profilesFile } = await import('../../rehearsal/profiles.ts');
  const path = resolve(file);
  writeFileSync(path, profilesFile(profiles, region, endpoint), { mode: 0o600 });
  return path;
}

function welcome(
  running: RunningPipeline,
  more: {
    timeZone: string;
    seconds: number;
    file: string;
    profiles: string | undefined;
    data: string | undefined;
    engine: string | undefined;
  },
): void {
  const { endpoint, registry, decideUrl, loadBalancers, profiles, region, config } = running.addresses;
  const time = new Intl.DateTimeFormat('en-GB', { timeZone: more.timeZone, dateStyle: 'full', timeStyle: 'short' }).format(running.now());
  print(good(`${running.pipeline.name} runs, after ${more.seconds.toFixed(1)} s. It is ${time}, ${more.timeZone}.`));
  if (more.engine !== undefined)
    print(`Its tasks are containers of ${plain(more.engine)}: images need a program to run. See docs/local.md.`);
  print(heading('Addresses'));
  print(
    table(
      ['', ''],
      [['endpoint', endpoint], ['registry', registry], ['decide', decideUrl], ...Object.entries(loadBalancers)].map(
        ([name = '', url = '']) => [name, url],
      ),
    ),
  );
  print(heading('Profiles'));
  const people = Object.entries(profiles).filter(([, { role, person }]) => person !== undefined || role === undefined);
  print(
    table(
      ['', ''],
      people.map(([name, { person }]) => [name, person ?? 'may do everything']),
    ),
  );
  const roles = Object.keys(profiles).length - people.length;
  print(dim(wrapped(`and one for each of ${roles} roles of the pipeline; keys are in ${more.profiles ?? more.file}`, '')));
  print(heading('Next commands'));
  const admin = profiles['shiplock-admin'];
  const data = more.data === undefined ? '' : ` --data ${more.data}`;
  const lines = more.profiles
    ? [`export AWS_CONFIG_FILE=${more.profiles} AWS_PROFILE=shiplock-admin`]
    : [
        `export AWS_ACCESS_KEY_ID=${admin?.accessKeyId} AWS_SECRET_ACCESS_KEY=${admin?.secretAccessKey} AWS_REGION=${region} AWS_DEFAULT_REGION=${region}`,
      ];
  const [repository] = Object.keys(running.pipeline.repositories);
  const environment = running.pipeline.path.at(-1)?.environments[0] ?? '';
  lines.push(
    `aws --endpoint-url ${endpoint} ecr get-login-password | docker login -u AWS --password-stdin ${registry}`,
    `docker push ${registry}/${repository}:TAG`,
    `aws --endpoint-url ${endpoint} ecs list-services --cluster ${running.pipeline.name}-${environment}`,
    `curl ${loadBalancers[environment]}/`,
    `npx shiplock status${data}`,
  );
  for (const line of lines) print(`  ${line}`);
  print(dim(`\n${wrapped(`It stays up until Ctrl-C. What happens to ${config} stands below.`, '')}\n`));
}

/** Until Ctrl-C or a polite kill; a second Ctrl-C does not wait. */
function interrupted(): Promise<void> {
  return new Promise((done) => {
    const stop = () => {
      process.on('SIGINT', () => process.exit(EXIT.failed));
      done();
    };
    process.once('SIGINT', stop);
    process.once('SIGTERM', stop);
  });
}

/** Leaves the ledger and the journal for the commands that read, as a rehearsal does. */
async function leaveState(running: RunningPipeline, folder: string): Promise<void> {
  const { stateOf } = await import('../../rehearsal/state.ts');
  writeFileSync(join(folder, 'state.json'), JSON.stringify(stateOf(running)), { mode: 0o600 });
}

function portNumber(text: string): number {
  const port = wholeNumber(text);
  if (port > 65_000) throw new InvalidArgumentError('A port below 65000 is needed: others follow it.');
  return port;
}

function speedNumber(text: string): number {
  const speed = Number(text);
  if (!(speed >= 0.1 && speed <= 10_000)) throw new InvalidArgumentError('A number from 0.1 to 10000 is needed.');
  return speed;
}

function instant(text: string): number {
  const time = Date.parse(text);
  if (Number.isNaN(time)) throw new InvalidArgumentError('A time is needed, such as 2026-11-23T08:00:00+01:00.');
  return time;
}
