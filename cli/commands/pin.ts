/** `shiplock pin`: keeps an environment on what it runs. */
import type { Command } from 'commander';
import { type DecideOptions, withDecision } from './shared/decision.ts';
import { inWords, withExamples } from './shared/options.ts';

export function addPin(program: Command): void {
  const command = program
    .command('pin')
    .description('keep what an environment runs now: all of it, or one repository')
    .argument('<environment>', 'where')
    .argument('[repository]', 'this one only')
    .requiredOption('--reason <text>', 'why', inWords);
  withExamples(withDecision(command), 'pin live orders --reason "audit until Friday"').action(
    async (name: string, repository: string | undefined, options: DecideOptions & { reason: string }) => {
      const { openSource } = await import('../connection/open.ts');
      const { knownEnvironment, knownRepository } = await import('../../queries/names.ts');
      const { carryOut, confirmLive } = await import('./shared/decision.ts');
      const source = await openSource(options);
      const environment = knownEnvironment(source, name);
      if (repository !== undefined) knownRepository(source, repository);
      await confirmLive(source, [environment], `pin ${repository ?? 'all'} in ${environment}`, options);
      await carryOut(source, { verb: 'pin', environment, ...(repository ? { repository } : {}), reason: options.reason }, options);
    },
  );
}
