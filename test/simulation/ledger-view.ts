/** The ledger as it stands at this moment, read without a call: what a witness may look at between two of the pipeline's own. */
import { unmarshall } from '@aws-sdk/util-dynamodb';
import type {
  ApprovalRecord,
  FreezeRecord,
  PromotionRecord,
  ReleaseRecord,
  RunningRecord,
  ServiceRecord,
  WaitRecord,
} from '../../domain/ledger/records.ts';
import { ledgerTable } from '../../domain/pipeline/names.ts';
import { firstGate, type Gate, type GroupTurns } from '../../domain/turn/protocol.ts';
import type { LocalPipeline } from '../../rehearsal/local-pipeline.ts';

type Keyed = Readonly<Record<string, unknown>> & { readonly pk: string; readonly sk: string };

export class LedgerView {
  private readonly local: LocalPipeline;

  constructor(local: LocalPipeline) {
    this.local = local;
  }

  private partition<Item>(pk: string, prefix: string): (Item & Keyed)[] {
    const items = this.local.site.service('dynamodb').partition(ledgerTable(this.local.pipeline.name), pk);
    return items.map((item) => unmarshall(item as never) as Item & Keyed).filter(({ sk }) => sk.startsWith(prefix));
  }

  turns(environment: string): { readonly gate: Gate; readonly groups: readonly GroupTurns[] } {
    const pk = `TURNS#${environment}`;
    const initial = this.local.pipeline.environments[environment]?.onDemand ? 'down' : 'up';
    const [gate = firstGate(initial)] = this.partition<Gate>(pk, 'GATE');
    return { gate, groups: this.partition<GroupTurns>(pk, 'GROUP#') };
  }

  promotion(promotion: string): PromotionRecord | undefined {
    return this.partition<PromotionRecord>(`PROMOTION#${promotion}`, 'PROMOTION')[0];
  }

  running(environment: string): RunningRecord[] {
    return this.partition(`ENVIRONMENT#${environment}`, 'RUNS#');
  }

  services(environment: string): ServiceRecord[] {
    return this.partition(`ENVIRONMENT#${environment}`, 'SERVICE#');
  }

  waits(environment: string): WaitRecord[] {
    return this.partition(`ENVIRONMENT#${environment}`, 'WAIT#');
  }

  freeze(environment: string): FreezeRecord | undefined {
    return this.partition<FreezeRecord>(`ENVIRONMENT#${environment}`, 'RESTRICTION#FREEZE')[0];
  }

  gate(stage: string, repository: string): ApprovalRecord | undefined {
    return this.partition<ApprovalRecord>(`STAGE#${stage}`, `GATE#${repository}`)[0];
  }

  gates(stage: string): ApprovalRecord[] {
    return this.partition(`STAGE#${stage}`, 'GATE#');
  }

  releases(repository: string): ReleaseRecord[] {
    return this.partition(`REPOSITORY#${repository}`, 'RELEASE#');
  }
}
