/** Journal entries in the order in which things happen, also where several bear the same millisecond. */
import type { JournalEntry } from '../domain/ledger/records.ts';
import type { Readers } from './readers.ts';

/** What happened in the last days, oldest first. The journal is kept by days of UTC: of the first one, all is there. */
export async function entriesSince({ journal, now }: Pick<Readers, 'journal' | 'now'>, days: number): Promise<JournalEntry[]> {
  const wanted = Array.from({ length: days + 1 }, (_, back) => new Date(now() - (days - back) * 86_400_000).toISOString().slice(0, 10));
  return inOrder(await journal.days(wanted));
}

/** What comes first when two entries say the same time: causes before their effects. */
const ORDER = [
  'ordered',
  'approved',
  'rejected',
  'admitted',
  'parked',
  'waking',
  'awake',
  'not-woken',
  'migrates',
  'migrated',
  'deploying',
  'asked-to-confirm',
  'shifting',
  'rolling-back',
  // Of a promotion, before what its release does next.
  'ended in',
  'asked',
  'ended',
];

function rank({ event, environment }: JournalEntry): number {
  const [kind = ''] = event.split('/');
  return ORDER.indexOf(kind === 'ended' && environment !== undefined ? 'ended in' : kind);
}

/** Oldest first. */
export const inOrder = (entries: readonly JournalEntry[]): JournalEntry[] =>
  entries.toSorted((a, b) => a.at.localeCompare(b.at) || rank(a) - rank(b));
