/** Releases: which there are, where each runs, and which one is meant by what somebody wrote. */
import type { ReleaseRecord } from '../domain/ledger/records.ts';
import { suggestion } from '../domain/text/suggestion.ts';
import { QueryError } from './errors.ts';
import { knownRepository } from './names.ts';
import type { Readers } from './readers.ts';

/** A release, and where it runs. */
export type ReleaseView = ReleaseRecord & {
  /** In this list, from 1. */
  readonly number: number;
  readonly runsIn: readonly string[];
  readonly verifiedIn: readonly string[];
};

/** Newest first. @param verified only those that were verified somewhere, now or before */
export async function listReleases(readers: Readers, limit: number, verified: boolean, repository?: string): Promise<ReleaseView[]> {
  const { ledger, pipeline } = readers;
  const names = Object.keys(pipeline.environments);
  const [releases, manifests, promotions] = await Promise.all([
    ledger.releases(verified || repository ? undefined : limit),
    Promise.all(names.map((name) => ledger.manifest(name))),
    verified ? Promise.all(names.map((name) => ledger.promotions(name))) : [],
  ]);
  const key = (release: { readonly repository: string; readonly digest: string }) => `${release.repository}@${release.digest}`;
  const running = new Map<string, string[]>();
  for (const record of manifests.flat()) running.set(key(record), [...(running.get(key(record)) ?? []), record.environment]);
  const succeeded = new Map<string, Set<string>>();
  for (const { state, release, environment } of promotions.flat())
    if (state === 'succeeded') succeeded.set(key(release), (succeeded.get(key(release)) ?? new Set()).add(environment));
  return releases
    .filter((release) => (repository === undefined || release.repository === repository) && (!verified || succeeded.has(key(release))))
    .slice(0, limit)
    .map((release, index) => ({
      ...release,
      number: index + 1,
      runsIn: running.get(key(release)) ?? [],
      verifiedIn: names.filter((name) => succeeded.get(key(release))?.has(name)),
    }));
}

/** A release by `REPOSITORY@TAG`, `REPOSITORY@DIGEST` or a part of the digest: from the ledger, else from ECR. @throws QueryError if there is none */
export async function findRelease(
  readers: Readers,
  repository: string,
  reference: string,
): Promise<{ readonly repository: string; readonly digest: string; readonly tag: string }> {
  knownRepository(readers, repository);
  const releases = await readers.ledger.releasesOf(repository);
  const hex = reference.replace(/^sha256:/, '');
  const isDigest = /^[0-9a-f]{7,64}$/.test(hex);
  const found =
    releases.toSorted((a, b) => b.admittedAt.localeCompare(a.admittedAt)).find(({ tag }) => tag === reference) ??
    (isDigest ? releases.find(({ digest }) => digest.startsWith(`sha256:${hex}`)) : undefined);
  if (found) return found;
  if (readers.connection !== undefined) {
    const { Registry } = await import('../aws/ecr.ts');
    // People may read the ledger alone; then what it does not know is not there.
    const image = await new Registry(readers.connection).image(repository, reference).catch((error: Error) => {
      if (error.name !== 'AccessDeniedException') throw error;
      return undefined;
    });
    if (image) return { repository, digest: image.digest, tag: image.tags[0] ?? reference };
  }
  const near = suggestion(
    reference,
    releases.map(({ tag }) => tag),
  );
  throw new QueryError(`no release ${reference} of ${repository}${near}; see shiplock releases ${repository}`);
}

/** The repository that a service runs. @throws QueryError if it runs none, or several and none is chosen */
export function repositoryOf({ pipeline }: Pick<Readers, 'pipeline'>, service: string): string {
  const containers = Object.values(pipeline.services[service]?.containers ?? {});
  const own = [...new Set(containers.flatMap((one) => ('repository' in one ? one.repository : [])))];
  if (own.length === 1) return own[0] ?? '';
  throw new QueryError(`${service} runs ${own.join(' and ')}; promote one of them: shiplock promote ${own[0]}@TAG --to ENVIRONMENT`);
}
