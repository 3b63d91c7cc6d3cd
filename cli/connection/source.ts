/** What a command speaks to: a running local AWS, what a rehearsal left, or an AWS account. */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Connection } from '../../aws/clients.ts';
import type { Decisions, Reply } from '../../aws/decisions.ts';
import { Journal } from '../../aws/journal.ts';
import { Ledger } from '../../aws/ledger.ts';
import { Turns } from '../../aws/turns.ts';
import { functionName, journalTable, ledgerTable } from '../../domain/pipeline/names.ts';
import type { Pipeline } from '../../domain/pipeline/pipeline.ts';
import { suggestion } from '../../domain/text/suggestion.ts';
import type { Profile } from '../../rehearsal/profiles.ts';
import type { Addresses } from '../../rehearsal/running.ts';
import type { SourceOptions } from '../commands/shared/options.ts';
import { inZone, note, plain, RefusedError, UsageError } from '../terminal/output.ts';
import { working } from '../terminal/spinner.ts';
import { configPath, loadPipeline } from './configuration.ts';
import { DATA_FOLDER, isRehearsed } from './folder.ts';

export interface Source {
  readonly kind: 'local' | 'rehearsal' | 'aws';
  readonly pipeline: Pipeline;
  /** In which people read times: an IANA name. */
  readonly timeZone: string;
  readonly ledger: Ledger;
  readonly journal: Journal;
  readonly turns: Turns;
  /** For clients of other AWS services; a rehearsal has left none. */
  readonly connection: Connection;
  /** The pipeline's time, in milliseconds since the epoch. */
  now(): number;
  /** Before anybody is asked anything. @throws UsageError if this source cannot be changed, or nobody said who they are */
  assertMayDecide(verb: string): void;
  /**
   * Sends a decision of the person at the keyboard.
   * @throws RefusedError; UsageError if this source cannot be changed
   */
  decide(decision: { readonly verb: string; readonly [field: string]: unknown }): Promise<Reply>;
}

/** `local.json`, as `shiplock local` writes it. */
export interface LocalAddresses extends Addresses {
  readonly pid: number;
  /** When the pipeline's time was what, both in milliseconds since the epoch; absent: it is the machine's. */
  readonly time?: { readonly machine: number; readonly pipeline: number; readonly speed: number };
}

/** May read everything on local AWS. */
const ADMIN = 'shiplock-admin';

/**
 * From here on a line moves if the answer takes its time.
 * @throws UsageError if there is nothing to speak to, with the ways out
 */
export async function openSource(options: SourceOptions): Promise<Source> {
  working('looks');
  if (options.aws || options.profile !== undefined) return openAccount(options);
  const folder = options.data ?? DATA_FOLDER;
  const file = join(folder, 'local.json');
  if (existsSync(file)) {
    const addresses = readAddresses(file);
    if (isAlive(addresses.pid)) return openLocal(addresses, options);
    const stale = `the local AWS of ${folder} is not running any more (process ${addresses.pid} has ended)`;
    if (!isRehearsed(folder)) throw new UsageError(`${stale}; start it again with \`shiplock local --data ${folder}\``);
    note(`${stale}; this is what the last rehearsal left`);
  }
  if (isRehearsed(folder)) return openRehearsal(folder);
  if (options.config !== undefined || (options.data === undefined && existsSync('shiplock.config.ts'))) return openAccount(options);
  throw new UsageError(
    `${folder}: nothing was rehearsed here, and no local AWS runs; use \`shiplock rehearse\`, \`shiplock local\`, its folder with --data, or --config for a pipeline in AWS`,
  );
}

function readAddresses(file: string): LocalAddresses {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as LocalAddresses;
  } catch {
    throw new UsageError(`${file} cannot be read; stop \`shiplock local\` and start it again`);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function openLocal(addresses: LocalAddresses, options: SourceOptions): Promise<Source> {
  const pipeline = await loadPipeline(resolve(addresses.config));
  const wanted = options.as ?? (process.env.SHIPLOCK_AS || undefined);
  const profile = wanted === undefined ? addresses.profiles[ADMIN] : profileOf(addresses, pipeline, wanted);
  if (profile === undefined) throw new UsageError('this local AWS has no profile that may read; say who you are with --as');
  const { accessKeyId, secretAccessKey, sessionToken } = profile;
  const credentials = { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) };
  const connection: Connection = { region: addresses.region, endpoint: addresses.endpoint, credentials };
  const { time } = addresses;
  const assertMayDecide = () => {
    if (wanted === undefined)
      throw new UsageError(`say who you are with --as or SHIPLOCK_AS; there are ${Object.keys(pipeline.people).join(', ')}`);
  };
  return {
    kind: 'local',
    ...opened(pipeline, connection),
    timeZone: pipeline.timeZone,
    now: () => (time ? time.pipeline + (Date.now() - time.machine) * time.speed : Date.now()),
    assertMayDecide,
    async decide(decision) {
      assertMayDecide();
      working(decision.verb);
      return send(await decisions(pipeline, connection, addresses.decideUrl), decision, pipeline.timeZone);
    },
  };
}

/** By profile, e-mail address, or what stands before its @. */
function profileOf({ profiles }: LocalAddresses, pipeline: Pipeline, wanted: string): Profile {
  const named = Object.entries(profiles).find(
    ([name, { person }]) =>
      name === wanted || person === wanted || person?.split('@')[0] === wanted || name === `${pipeline.name}-${wanted}`,
  );
  if (named) return named[1];
  const people = Object.values(profiles).flatMap(({ person }) => person ?? []);
  const known = people.length > 0 ? people : Object.keys(pipeline.people);
  const near = suggestion(wanted, [...known, ...known.map((person) => person.split('@')[0] ?? ''), ...Object.keys(profiles)]);
  throw new UsageError(
    `nobody is called ${plain(wanted)} here${near || `; there are ${known.join(', ')}, and the profiles of local.json`}`,
  );
}

async function openRehearsal(folder: string): Promise<Source> {
  // Brings all of local AWS: only where it is needed.
  const { openData } = await import('./rehearsal.ts');
  const { state, connection } = openData(folder);
  const over = (verb: string): never => {
    throw new UsageError(
      `${verb}: the rehearsal in ${folder} is over and can only be looked at; run \`shiplock local\` to go on by hand, or name a pipeline in AWS with --config or --profile`,
    );
  };
  return {
    kind: 'rehearsal',
    ...opened(state.definition, connection),
    timeZone: state.timeZone,
    now: () => state.now,
    assertMayDecide: over,
    decide: async ({ verb }) => over(verb),
  };
}

async function openAccount(options: SourceOptions): Promise<Source> {
  if (options.as !== undefined)
    throw new UsageError('--as is for local AWS; in an account you are who your credentials say: choose them with --profile');
  // The SDK's own way of choosing among the profiles of ~/.aws.
  if (options.profile !== undefined) process.env.AWS_PROFILE = options.profile;
  const pipeline = await loadPipeline(configPath(options.config));
  const [site] = Object.values(pipeline.sites);
  if (site === undefined) throw new UsageError('the pipeline has no site, so nothing of it is in AWS');
  const connection: Connection = { region: site.region };
  return {
    kind: 'aws',
    ...opened(pipeline, connection),
    timeZone: pipeline.timeZone,
    now: () => Date.now(),
    assertMayDecide: () => {},
    decide: async (decision) => {
      working(decision.verb);
      return send(await decisions(pipeline, connection), decision, pipeline.timeZone);
    },
  };
}

function opened(pipeline: Pipeline, connection: Connection): Pick<Source, 'pipeline' | 'connection' | 'ledger' | 'journal' | 'turns'> {
  const ledger = new Ledger(ledgerTable(pipeline.name), connection);
  return { pipeline, connection, ledger, journal: new Journal(journalTable(pipeline.name), connection), turns: new Turns(ledger.table) };
}

async function decisions(pipeline: Pipeline, connection: Connection, url?: string): Promise<Decisions> {
  const { Decisions: Sender } = await import('../../aws/decisions.ts');
  return new Sender(functionName(pipeline.name, 'decide'), connection, url);
}

async function send(sender: Decisions, decision: { readonly verb: string }, timeZone: string): Promise<Reply> {
  const reply = await sender.send(decision);
  if (reply.status === 200) return reply;
  if (reply.status === 403) throw new RefusedError(inZone(reply.message, timeZone));
  if (reply.status === 400)
    throw new UsageError(`${decision.verb}: ${reply.message} (if it should be known, deploy the pipeline's newest version)`);
  throw new Error(`${decision.verb}: the pipeline answered ${reply.status}: ${reply.message}`);
}

/** The name itself, if it is one of those known. @throws UsageError with the nearest, else with all */
export function known(what: string, name: string, names: readonly string[]): string {
  if (names.includes(name)) return name;
  const near = suggestion(name, names);
  const some = names.length > 20 ? `${names.slice(0, 20).join(', ')} and ${names.length - 20} more` : names.join(', ');
  throw new UsageError(`no ${what} ${name}; there are ${some}${near}`);
}

export const knownEnvironment = ({ pipeline }: Source, name: string) => known('environment', name, Object.keys(pipeline.environments));
