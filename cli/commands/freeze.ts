/** `shiplock freeze`: nothing goes into an environment, for a while or until it is thawed. */
import type { Command } from 'commander';
import { type DecideOptions, withDecision } from './shared/decision.ts';
import { inWords, withExamples } from './shared/options.ts';

type Options = DecideOptions & { readonly reason: string; readonly until?: string };

export function addFreeze(program: Command): void {
  const command = program
    .command('freeze')
    .description('keep releases out of an environment, except hot-fixes and rollbacks')
    .argument('<environment>', 'where')
    .requiredOption('--reason <text>', 'why; it is shown to everybody whose release is refused', inWords)
    .option('--until <time>', 'a time such as 2026-11-27T18:00:00+01:00, or a span such as 4h or 2d; without it, until somebody thaws it');
  withExamples(withDecision(command), 'freeze live --until 2026-11-30T08:00:00+01:00 --reason "Black Friday"').action(
    async (name: string, options: Options) => {
      const { openSource } = await import('../connection/open.ts');
      const { knownEnvironment } = await import('../../queries/names.ts');
      const { carryOut, confirmLive, instant } = await import('./shared/decision.ts');
      const source = await openSource(options);
      const environment = knownEnvironment(source, name);
      const until = options.until === undefined ? {} : { until: instant(options.until, source.now()) };
      await confirmLive(source, [environment], `freeze ${environment}`, options);
      await carryOut(source, { verb: 'freeze', environment, reason: options.reason, ...until }, options);
    },
  );
}
