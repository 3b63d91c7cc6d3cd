/** What recovery may use. */
import type { Journal } from '../../aws/journal.ts';
import type { Ledger } from '../../aws/ledger.ts';
import type { Parameters } from '../../aws/ssm.ts';
import type { Turns } from '../../aws/turns.ts';
import type { Pipeline } from '../../domain/pipeline/pipeline.ts';
import type { EnvironmentClients } from '../environment/clients.ts';

export interface RecoveryWorld {
  readonly pipeline: Pipeline;
  readonly parameters: Pick<Parameters, 'foundation'>;
  readonly ledger: Ledger;
  readonly journal: Pick<Journal, 'write'>;
  readonly turns: Turns;
  readonly clients: (environment: string) => EnvironmentClients;
}
