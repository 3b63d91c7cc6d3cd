/** A running local AWS, as `shiplock local` writes down where it is. */

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Connection } from '../../aws/clients.ts';
import type { Pipeline } from '../../domain/pipeline/pipeline.ts';
import { suggestion } from '../../domain/text/suggestion.ts';
import type { Profile } from '../../rehearsal/profiles.ts';
import type { Addresses } from '../../rehearsal/running.ts';
import { UsageError } from '../terminal/errors.ts';
import { working } from '../terminal/spinner.ts';
import { plain } from '../terminal/text.ts';
import { decisions, opened, send } from './opened.ts';
import type { SourceOptions } from './options.ts';
import type { Source } from './source.ts';

/** `local.json`, as `shiplock local` writes it. */
export interface LocalAddresses extends Addresses {
  readonly pid: number;
  /** When the pipeline's time was what, both in milliseconds since the epoch; absent: it is the machine's. */
  readonly time?: { readonly machine: number; readonly pipeline: number; readonly speed: number };
}

/** May read everything on local AWS. */
const ADMIN = 'shiplock-admin';

export function readAddresses(file: string): LocalAddresses {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as LocalAddresses;
  } catch {
    throw new UsageError(`${file} cannot be read; stop \`shiplock local\` and start it again`);
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

export async function openLocal(addresses: LocalAddresses, options: SourceOptions): Promise<Source> {
  const { loadPipeline } = await import('./configuration.ts');
  const pipeline = await loadPipeline(resolve(addresses.config));
  const wanted = options.as ?? (process.env.SHIPLOCK_AS || undefined);
  const profile = wanted === undefined ? addresses.profiles[ADMIN] : profileOf(addresses, pipeline, wanted);
  if (profile === undefined) throw new UsageError('this local AWS has no profile that may read; name yourself with --as');
  const { accessKeyId, secretAccessKey, sessionToken } = profile;
  const credentials = { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) };
  const connection: Connection = { region: addresses.region, endpoint: addresses.endpoint, credentials };
  const { time } = addresses;
  const assertMayDecide = () => {
    if (wanted === undefined)
      throw new UsageError(`name yourself with --as or SHIPLOCK_AS, as one of ${Object.keys(pipeline.people).join(', ')}`);
  };
  return {
    kind: 'local',
    ...opened(pipeline, connection),
    connection,
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
