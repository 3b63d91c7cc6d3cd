/** Journal entries as the steps write them: one function for each thing that happens, so that it is always said the same way. */
import type { JournalEntry } from '../../domain/ledger/records.ts';
import { type Release, releaseTitle } from '../../domain/release/release.ts';
import type { OutcomeKind } from '../../domain/workflow/outcome.ts';

/** The tone of each outcome. */
export const TONES: Readonly<Record<OutcomeKind, JournalEntry['tone']>> = {
  succeeded: 'good',
  superseded: 'info',
  refused: 'bad',
  failed: 'bad',
  errored: 'bad',
};

/** Why an image that ECR still has cannot run now, and the way out. @param status as ECR calls it, not ACTIVE */
export const notActive = (name: string, status: 'ARCHIVED' | 'ACTIVATING'): string =>
  status === 'ACTIVATING' ? `${name} is being restored in ECR; wait for that` : `${name} is archived; restore it in ECR`;

type About = Pick<JournalEntry, 'environment' | 'stage'> & { readonly release?: Pick<Release, 'repository' | 'digest' | 'tag'> };

/**
 * @param subject with `event` the key of the entry: the same again is written once
 * @param at milliseconds since the epoch
 */
export function entry(
  subject: string,
  event: string,
  at: number,
  tone: JournalEntry['tone'],
  text: string,
  about: About = {},
  who = 'shiplock',
): JournalEntry {
  const { release, ...rest } = about;
  return {
    subject,
    event,
    at: new Date(at).toISOString(),
    who,
    tone,
    text: release ? `${releaseTitle(release)}: ${text}` : text,
    ...(release ? { repository: release.repository, digest: release.digest, tag: release.tag } : {}),
    ...rest,
  };
}
