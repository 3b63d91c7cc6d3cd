/** `shiplock promote`: a release, or everything that an environment runs, into an environment. */
import type { Command } from 'commander';
import { type DecideOptions, withWait } from '../deciding.ts';
import { withExamples } from '../options.ts';
import { note, plain, UsageError } from '../output.ts';

type Options = DecideOptions & {
  readonly to: string;
  readonly from?: string;
  readonly only?: readonly string[];
  readonly hotfix?: string;
};

export function addPromote(program: Command): void {
  const command = program
    .command('promote')
    .description('bring a release, or all that an environment runs, into an environment; its gate asks as always')
    .argument('[release]', 'REPOSITORY@TAG; without it and --from, chosen from a list')
    .requiredOption('--to <environment>', 'where to')
    .option('--from <environment>', 'what this one runs, verified, as one set: all of it or nothing')
    .option('--only <repository...>', 'with --from: these repositories alone')
    .option('--hotfix <reason>', 'past a freeze and the stages before; the reason is kept');
  withExamples(withWait(command), 'promote --from test --to beta', 'promote orders@git_cf7edb2 --to live --wait').action(promote);
}

async function promote(release: string | undefined, options: Options): Promise<void> {
  const { knownEnvironment, openSource } = await import('../source.ts');
  const { carryOut, confirmLive, findRelease, splitRelease } = await import('../deciding.ts');
  if (release !== undefined && options.from !== undefined) throw new UsageError('name a release, or --from an environment, not both');
  const source = await openSource(options);
  const to = knownEnvironment(source, options.to);
  if (options.from !== undefined) {
    const manifest = await verifiedManifest(source, knownEnvironment(source, options.from), to, options.only);
    await confirmLive(source, [to], `promote ${Object.keys(manifest).length} releases of ${options.from} into ${to}`, options);
    return carryOut(source, { verb: 'promote-set', from: options.from, to, manifest }, options);
  }
  const { repository, digest, tag } = release === undefined ? await chosen(source) : await named(release);
  await confirmLive(source, [to], `promote ${repository} ${tag} into ${to}`, options);
  return carryOut(source, { verb: 'promote', repository, digest, to, ...(options.hotfix ? { hotfix: options.hotfix } : {}) }, options);

  function named(text: string) {
    const { repository: name, reference } = splitRelease(text);
    return findRelease(source, name, reference);
  }
}

async function chosen(source: import('../source.ts').Source) {
  const { canAsk, choices, choose } = await import('../picking.ts');
  if (!canAsk()) throw new UsageError('name a release as REPOSITORY@TAG, or --from an environment');
  return choose(await choices(source, 100, true), source.now());
}

/** What an environment runs and has verified, without what runs in the other already. @throws UsageError if nothing of it can go */
async function verifiedManifest(
  source: import('../source.ts').Source,
  from: string,
  to: string,
  only: readonly string[] | undefined,
): Promise<Record<string, string>> {
  const { known } = await import('../source.ts');
  for (const name of only ?? []) known('repository', name, Object.keys(source.pipeline.repositories));
  const [have, there] = await Promise.all([source.ledger.manifest(from), source.ledger.manifest(to)]);
  const wanted = have.filter(({ repository }) => only?.includes(repository) ?? true);
  const unverified = wanted.filter(({ verified }) => !verified);
  if (unverified.length > 0)
    throw new UsageError(
      `not verified in ${from}: ${unverified.map(({ repository, tag }) => `${repository} ${plain(tag)}`).join(', ')}; leave it out with --only`,
    );
  const fresh = wanted.filter(({ repository, digest }) => !there.some((one) => one.repository === repository && one.digest === digest));
  if (fresh.length === 0) throw new UsageError(wanted.length === 0 ? `${from} runs nothing` : `${to} runs all of this already`);
  for (const { repository, tag } of fresh)
    note(`${repository} ${plain(there.find((one) => one.repository === repository)?.tag ?? '–')} → ${plain(tag)}`);
  return Object.fromEntries(fresh.map(({ repository, digest }) => [repository, digest]));
}
