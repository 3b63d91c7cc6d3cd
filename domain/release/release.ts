/** A release: one pushed image, repository and digest, as admission fixed it. */

export interface Release {
  readonly repository: string;
  /** `sha256:…` of what was pushed: the index, where there is one. */
  readonly digest: string;
  /** The tag that made it a release; further tags of the digest are aliases. */
  readonly tag: string;
  /** Compares with other releases of the repository: greater is newer. */
  readonly order: string;
  readonly commit?: string;
  /** First line of the commit message. Strangers write it: escape it where it is shown. */
  readonly message?: string;
  /** As the image's labels claim, several apart by commas. Unknown stays absent. */
  readonly author?: string;
  /** ISO 8601 */
  readonly pushedAt: string;
  /** A set: releases of several repositories that move as one, all or none. Its digest is that of their list. */
  readonly members?: readonly Release[];
}

/** The release itself of a record about it. */
export const bareRelease = ({ repository, digest, tag, order, commit, message, author, pushedAt, members }: Release): Release => ({
  repository,
  digest,
  tag,
  order,
  ...(commit === undefined ? {} : { commit }),
  ...(message === undefined ? {} : { message }),
  ...(author === undefined ? {} : { author }),
  pushedAt,
  ...(members ? { members } : {}),
});

/** What a release brings in: itself, or the members of a set. */
export const membersOf = (release: Release): readonly Release[] => release.members ?? [release];

/** The repository that a set stands under in the ledger: one for each environment from which sets come. No repository of ECR is called so. */
export const setRepository = (from: string) => `+${from}`;

/** Where a release stands as a whole. */
export type ReleaseState = 'in-progress' | 'succeeded' | 'superseded' | 'refused' | 'failed' | 'errored';

/** `orders@sha256:cf7edb2…` → `orders@cf7edb2…`, as people read it. */
export const shortDigest = (digest: string) => digest.replace('sha256:', '').slice(0, 12);

/** `orders git_cf7edb2`, as people say it; of several that move as one, what they are. */
export const releaseTitle = ({ repository, tag }: Pick<Release, 'repository' | 'tag'>) =>
  repository.startsWith('+') ? `set (${tag})` : `${repository} ${tag}`;
