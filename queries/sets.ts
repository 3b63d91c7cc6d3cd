/** What one environment runs, as a set for another. */
import { createHash } from 'node:crypto';
import type { RunningRecord } from '../domain/ledger/records.ts';
import { bareRelease, type Release, setRepository } from '../domain/release/release.ts';
import { QueryError } from './errors.ts';
import { knownRepository } from './names.ts';
import type { Readers } from './readers.ts';

/** @returns what `from` runs and has verified, without what runs in `to` already; `instead` is the tag that runs there. @throws QueryError if nothing of it can go */
export async function verifiedOf(
  { ledger, pipeline }: Readers,
  from: string,
  to: string,
  only: readonly string[] | undefined,
): Promise<(RunningRecord & { readonly instead?: string })[]> {
  for (const name of only ?? []) knownRepository({ pipeline }, name);
  const [have, there] = await Promise.all([ledger.manifest(from), ledger.manifest(to)]);
  const wanted = have.filter(({ repository }) => only?.includes(repository) ?? true);
  const unverified = wanted.filter(({ verified }) => !verified);
  if (unverified.length > 0)
    throw new QueryError(
      `not verified in ${from}: ${unverified.map(({ repository, tag }) => `${repository} ${tag}`).join(', ')}; leave it out with --only`,
    );
  const runs = new Map(there.map((record) => [record.repository, record]));
  const fresh = wanted.filter(({ repository, digest }) => runs.get(repository)?.digest !== digest);
  if (fresh.length === 0) throw new QueryError(wanted.length === 0 ? `${from} runs nothing` : `${to} runs all of this already`);
  return fresh.map((record) => {
    const instead = runs.get(record.repository)?.tag;
    return { ...record, ...(instead === undefined ? {} : { instead }) };
  });
}

/** The same as the release that the pipeline would make of it: its digest is that of the list. */
export async function setOf(readers: Readers, from: string, to: string, only: readonly string[] | undefined): Promise<Release> {
  const found = (await verifiedOf(readers, from, to, only)).toSorted((a, b) => (a.repository < b.repository ? -1 : 1));
  const members = found.map(bareRelease);
  const at = new Date(readers.now()).toISOString();
  const list = members.flatMap(({ repository, digest }) => [repository, digest]).join('\n');
  return {
    repository: setRepository(from),
    digest: `sha256:${createHash('sha256').update(list).digest('hex')}`,
    tag: '',
    // As the pipeline orders sets: by when they are asked for.
    order: at,
    pushedAt: at,
    members,
  };
}
