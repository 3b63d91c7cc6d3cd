/** What can be named on the command line, for shells that complete it: each with a few words about it. */

import { openSource } from '../connection/open.ts';
import type { SourceOptions } from '../connection/options.ts';

export const KINDS = ['environments', 'services', 'repositories', 'people', 'releases', 'tags', 'approvals'] as const;
export type Kind = (typeof KINDS)[number];

/** So many releases are offered, the newest. */
const OFFERED = 50;

/** @returns words, each with what it is */
export async function words(kind: Kind, options: SourceOptions): Promise<(readonly [word: string, about: string])[]> {
  const source = await openSource(options);
  const { pipeline, ledger } = source;
  switch (kind) {
    case 'environments':
      return Object.values(pipeline.environments).map(({ name, onDemand }) => [name, onDemand ? 'on demand' : '']);
    case 'services':
      return Object.keys(pipeline.services).map((name) => [name, '']);
    case 'repositories':
      return Object.keys(pipeline.repositories).map((name) => [name, '']);
    case 'people':
      return Object.entries(pipeline.people).map(([email, { groups }]) => [email, groups.join(', ')]);
    case 'releases':
      return (await ledger.releases(OFFERED)).map(({ repository, tag, message }) => [`${repository}@${tag}`, message ?? '']);
    case 'tags':
      return (await ledger.releases(OFFERED)).map(({ repository, tag, message }) => [tag, `${repository}: ${message ?? ''}`]);
    case 'approvals':
      return (await ledger.openGates()).map(({ approval, release }) => [approval, `${release.tag}: ${release.message ?? ''}`]);
  }
}
