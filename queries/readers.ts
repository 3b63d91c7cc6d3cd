/** What questions are asked of: the pipeline, its ledger and journal, and AWS where there is an account behind them. */
import type { Connection } from '../aws/clients.ts';
import type { Journal } from '../aws/journal.ts';
import type { Ledger } from '../aws/ledger.ts';
import type { Turns } from '../aws/turns.ts';
import type { Pipeline } from '../domain/pipeline/pipeline.ts';

/** The same in a terminal and in a Lambda: whoever asks hands in the clients. */
export interface Readers {
  readonly pipeline: Pipeline;
  readonly ledger: Ledger;
  readonly journal: Journal;
  readonly turns: Turns;
  /** For clients of other AWS services. Absent where only the tables were kept, as a rehearsal leaves them. */
  readonly connection?: Connection;
  /** The pipeline's time, in milliseconds since the epoch. */
  now(): number;
}
