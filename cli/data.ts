/** The state that a rehearsal left in a data folder, behind the same ledger and journal as on AWS. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Journal } from '../aws/journal.ts';
import { Ledger } from '../aws/ledger.ts';
import { journalTable, ledgerTable } from '../domain/names.ts';
import { clientConfig } from '../local/core/client.ts';
import { VirtualClock } from '../local/core/clock.ts';
import { World } from '../local/core/world.ts';
import { factories } from '../local/services/index.ts';
import { UsageError } from './output.ts';

export interface SavedState {
  readonly pipeline: string;
  readonly account: string;
  readonly region: string;
  readonly timeZone: string;
  /** When it was saved, in the rehearsal's own time. Milliseconds since the epoch. */
  readonly now: number;
  readonly environments: readonly string[];
  /** By service name, as each service saves itself. */
  readonly services: Readonly<Record<string, unknown>>;
}

export interface Opened {
  readonly state: SavedState;
  readonly ledger: Ledger;
  readonly journal: Journal;
}

/** @throws UsageError if there is nothing */
export function openData(folder: string): Opened {
  const file = join(folder, 'state.json');
  if (!existsSync(file))
    throw new UsageError(`${folder}: nothing was rehearsed here; run \`shiplock rehearse\` first, or name its folder with --data`);
  const state = JSON.parse(readFileSync(file, 'utf8')) as SavedState;
  const world = new World(new VirtualClock(state.now), factories);
  const site = world.site(state.account, state.region);
  for (const [name, saved] of Object.entries(state.services)) site.find(name).load?.(saved);
  const reader = site.service('iam').user('reader', {
    read: { Version: '2012-10-17', Statement: { Effect: 'Allow', Action: ['dynamodb:GetItem', 'dynamodb:Query'], Resource: '*' } },
  });
  const connection = clientConfig(world, { region: state.region, credentials: reader });
  return {
    state,
    ledger: new Ledger(ledgerTable(state.pipeline), connection),
    journal: new Journal(journalTable(state.pipeline), connection),
  };
}

/** The days (UTC) of the journal, up to `days` before the state was saved. */
export function lastDays(state: SavedState, days: number): string[] {
  return Array.from({ length: days + 1 }, (_, back) => new Date(state.now - (days - back) * 86_400_000).toISOString().slice(0, 10));
}
