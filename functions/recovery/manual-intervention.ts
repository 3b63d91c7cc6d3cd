/** Manual intervention: the pipeline cannot repair this by itself, and freezes the environment until a person has. */
import type { Journal } from '../../aws/journal.ts';
import type { Ledger } from '../../aws/ledger.ts';
import type { PromotionRecord } from '../../domain/ledger/records.ts';
import { entry } from '../journal/entries.ts';

interface World {
  readonly ledger: Pick<Ledger, 'putFreeze'>;
  readonly journal: Pick<Journal, 'write'>;
}

/** @param reason why what ran before is not back @param now milliseconds since the epoch */
export async function freezeForManualIntervention(
  { ledger, journal }: World,
  { promotion, environment, release }: Pick<PromotionRecord, 'promotion' | 'environment' | 'release'>,
  why: string,
  now: number,
): Promise<void> {
  const reason = `the rollback of ${release.repository} ${release.tag} failed: ${why}`;
  await ledger.putFreeze({ environment, by: 'shiplock', at: new Date(now).toISOString(), reason, manualIntervention: true });
  await journal.write(
    entry(
      `environment/${environment}`,
      `manual-intervention/${promotion}`,
      now,
      'bad',
      `${environment} needs manual intervention: ${reason}`,
      {
        environment,
      },
    ),
  );
}
