/** `shiplock promote`: a release, or everything that an environment runs, into an environment. */
import type { Command } from 'commander';
import { UsageError } from '../terminal/errors.ts';
import { note } from '../terminal/output.ts';
import { plain } from '../terminal/text.ts';
import { type DecideOptions, withWait } from './shared/decision.ts';
import { inWords, withExamples } from './shared/options.ts';

type Options = DecideOptions & {
  readonly to: string;
  readonly from?: string;
  readonly only?: readonly string[];
  readonly hotfix?: string;
};

export function addPromote(program: Command): void {
  const command = program
    .command('promote')
    .description('promote a release, or all that an environment runs, into an environment; approvals are asked for as always')
    .argument('[release]', 'REPOSITORY@TAG; without it and without --from, choose from a list')
    .requiredOption('--to <environment>', 'where to')
    .option('--from <environment>', 'promote what this environment runs and has verified, as one set: all of it or nothing')
    .option('--only <repository...>', 'with --from: only these repositories')
    .option('--hotfix <reason>', 'pass a freeze and the stages before; the reason is kept in the journal', inWords);
  withExamples(withWait(command), 'promote --from test --to beta', 'promote orders@git_cf7edb2 --to live --wait').action(promote);
}

async function promote(release: string | undefined, options: Options): Promise<void> {
  const { openSource } = await import('../connection/open.ts');
  const { knownEnvironment } = await import('../../queries/names.ts');
  const { carryOut, confirmLive, splitRelease } = await import('./shared/decision.ts');
  const { findRelease } = await import('../../queries/releases.ts');
  if (release !== undefined && options.from !== undefined) throw new UsageError('name a release, or --from an environment, not both');
  const source = await openSource(options);
  const to = knownEnvironment(source, options.to);
  if (options.from !== undefined) {
    const { verifiedOf } = await import('../../queries/sets.ts');
    const found = await verifiedOf(source, knownEnvironment(source, options.from), to, options.only);
    for (const { repository, tag, instead } of found) note(`${repository} ${plain(instead ?? '–')} → ${plain(tag)}`);
    const manifest = Object.fromEntries(found.map(({ repository, digest }) => [repository, digest]));
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

async function chosen(source: import('../connection/source.ts').Source) {
  const { choose } = await import('../terminal/release-list.ts');
  const { canAsk } = await import('../terminal/prompt.ts');
  const { listReleases } = await import('../../queries/releases.ts');
  if (!canAsk()) throw new UsageError('name a release as REPOSITORY@TAG, or --from an environment');
  // A set is no release by itself: it is promoted --from where it runs.
  const single = (await listReleases(source, 100, true)).filter(({ repository }) => !repository.startsWith('+'));
  return choose(single, source.now(), source.timeZone);
}
