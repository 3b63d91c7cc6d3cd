/** The state that a rehearsal left in a data folder, behind the same ledger and journal as on AWS. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Connection } from '../../aws/clients.ts';
import type { Pipeline } from '../../domain/pipeline/pipeline.ts';
import { readerOf } from '../../local/services/dynamodb/reader.ts';
import { UsageError } from '../terminal/errors.ts';

export interface SavedState {
  readonly pipeline: string;
  /** As it was rehearsed. */
  readonly definition: Pipeline;
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
  /** Reaches what was saved, and may only read it. */
  readonly connection: Connection;
}

/** @throws UsageError if it was left by another version */
export function openData(folder: string): Opened {
  const state = JSON.parse(readFileSync(join(folder, 'state.json'), 'utf8')) as SavedState;
  if (state.definition === undefined) throw new UsageError(`${folder}: left by an older version; run \`shiplock rehearse\` again`);
  const { account, region, now, services } = state;
  return { state, connection: readerOf({ account, region, now, saved: services.dynamodb }) };
}
