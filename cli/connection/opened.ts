/** What every source has in common: clients of its tables, and how a decision is sent and answered. */
import type { Connection } from '../../aws/clients.ts';
import type { Decisions, Reply } from '../../aws/decisions.ts';
import { Journal } from '../../aws/journal.ts';
import { Ledger } from '../../aws/ledger.ts';
import { Turns } from '../../aws/turns.ts';
import { functionName, journalTable, ledgerTable } from '../../domain/pipeline/names.ts';
import type { Pipeline } from '../../domain/pipeline/pipeline.ts';
import { inZone } from '../../domain/text/times.ts';
import type { Readers } from '../../queries/readers.ts';
import { RefusedError, UsageError } from '../terminal/errors.ts';

export function opened(pipeline: Pipeline, connection: Connection): Pick<Readers, 'pipeline' | 'ledger' | 'journal' | 'turns'> {
  const ledger = new Ledger(ledgerTable(pipeline.name), connection);
  return { pipeline, ledger, journal: new Journal(journalTable(pipeline.name), connection), turns: new Turns(ledger.table) };
}

export async function decisions(pipeline: Pipeline, connection: Connection, url?: string): Promise<Decisions> {
  const { Decisions: Sender } = await import('../../aws/decisions.ts');
  return new Sender(functionName(pipeline.name, 'decide'), connection, url);
}

export async function send(sender: Decisions, decision: { readonly verb: string }, timeZone: string): Promise<Reply> {
  const reply = await sender.send(decision);
  if (reply.status === 200) return reply;
  if (reply.status === 403) throw new RefusedError(inZone(reply.message, timeZone));
  if (reply.status === 400)
    throw new UsageError(`${decision.verb}: ${reply.message} (if it should be known, deploy the pipeline's newest version)`);
  throw new Error(`${decision.verb}: the pipeline answered ${reply.status}: ${reply.message}`);
}
