/** `shiplock rollback`: back to the release that succeeded before; pinned to it until somebody unpins. */
import type { Command } from 'commander';
import { type DecideOptions, withWait } from './shared/decision.ts';
import { inWords, withExamples } from './shared/options.ts';

type Options = DecideOptions & { readonly repository?: string; readonly to?: string; readonly now?: boolean; readonly reason?: string };

export function addRollback(program: Command): void {
  const command = program
    .command('rollback')
    .description('bring an environment back to the release that succeeded there before, and pin it to that')
    .argument('<environment>', 'where')
    .option('--repository <repository>', 'repository, if the environment runs several')
    .option('--to <release>', 'a tag (or REPOSITORY@TAG) that succeeded there; if left out, the release before the current one')
    .option('--now', 'first stop the promotion that is in progress there; without --to, keep the release that ran before it')
    .option('--reason <text>', 'why; it is kept in the journal', inWords);
  withExamples(withWait(command), 'rollback live --repository orders --wait', 'rollback live --to orders@git_91ff20b --now').action(
    async (name: string, options: Options) => {
      const { openSource } = await import('../connection/open.ts');
      const { knownEnvironment, knownRepository } = await import('../../queries/names.ts');
      const { carryOut, confirmLive, splitRelease } = await import('./shared/decision.ts');
      const { findRelease } = await import('../../queries/releases.ts');
      const source = await openSource(options);
      const environment = knownEnvironment(source, name);
      const whole = options.to?.includes('@') ? splitRelease(options.to) : undefined;
      const repository = options.repository ?? whole?.repository ?? (await onlyOne(source, environment));
      knownRepository(source, repository);
      const to = options.to === undefined ? undefined : await findRelease(source, repository, whole?.reference ?? options.to);
      await confirmLive(source, [environment], `roll ${repository} in ${environment} back to ${to?.tag ?? 'what ran before'}`, options);
      await carryOut(
        source,
        {
          verb: 'rollback',
          environment,
          repository,
          ...(to ? { to: to.digest } : {}),
          ...(options.now ? { now: true } : {}),
          ...(options.reason ? { reason: options.reason } : {}),
        },
        options,
      );
    },
  );
}

/** The one repository that an environment runs. @throws UsageError if it runs several, or none */
async function onlyOne(source: import('../connection/source.ts').Source, environment: string): Promise<string> {
  const { UsageError } = await import('../terminal/errors.ts');
  const names = (await source.ledger.manifest(environment)).map(({ repository }) => repository);
  if (names.length === 1) return names[0] ?? '';
  throw new UsageError(
    names.length === 0 ? `${environment} runs nothing` : `${environment} runs ${names.join(', ')}; choose one with --repository`,
  );
}
