/** What a promotion finds before it begins. Apart from `ledger.ts`, as only its registration needs it. */
import type {
  ApprovalRecord,
  FreezeAndPins,
  FreezeRecord,
  PinRecord,
  PromotionRecord,
  ReleaseRecord,
  RunningRecord,
  ServiceRecord,
} from '../domain/ledger/records.ts';
import { byName, type Forestalled, keys, Ledger, written } from './ledger.ts';

/** What decides whether a promotion may enter, and what it will find: read at once. */
export interface Situation {
  readonly promotion?: PromotionRecord;
  readonly release?: ReleaseRecord;
  /** Of the stage and the release's repository. */
  readonly gate?: ApprovalRecord;
  readonly restrictions: FreezeAndPins;
  /** By repository. */
  readonly running: Readonly<Record<string, RunningRecord>>;
  /** By service. */
  readonly services: Readonly<Record<string, ServiceRecord>>;
}

export class Situations extends Ledger {
  /** All that a promotion has to know before it begins, in one read. @param about the repositories and services that it may touch */
  async situation(
    { promotion, environment, stage, release }: Pick<PromotionRecord, 'promotion' | 'environment' | 'stage' | 'release'>,
    about: { readonly repositories: readonly string[]; readonly services: readonly string[] },
  ): Promise<Situation> {
    const { repository, digest } = release;
    const pinned = ['*', ...about.repositories];
    const [own, known, gate, freeze, ...rest] = await this.table.getMany([
      keys.promotion(promotion),
      keys.release(repository, digest),
      keys.gate(stage, repository),
      keys.freeze(environment),
      ...pinned.map((one) => keys.pin(environment, one)),
      ...about.repositories.map((one) => keys.running(environment, one)),
      ...about.services.map((one) => keys.service(environment, one)),
    ]);
    const pins = rest.splice(0, pinned.length).filter((pin) => pin !== undefined) as PinRecord[];
    const running = rest.splice(0, about.repositories.length) as (RunningRecord | undefined)[];
    return {
      ...(written(own as PromotionRecord | Forestalled | undefined) ? { promotion: own as PromotionRecord } : {}),
      ...(known ? { release: known as ReleaseRecord } : {}),
      ...(gate ? { gate: gate as ApprovalRecord } : {}),
      restrictions: { ...(freeze ? { freeze: freeze as FreezeRecord } : {}), pins },
      running: byName(about.repositories, running),
      services: byName(about.services, rest as (ServiceRecord | undefined)[]),
    };
  }
}
