/** `shiplock unpin`: lets releases in again. */
import type { Command } from 'commander';
import { type DecideOptions, withDecision } from './shared/decision.ts';
import { withExamples } from './shared/options.ts';

export function addUnpin(program: Command): void {
  const command = program
    .command('unpin')
    .description('end a pin: let releases into the environment again')
    .argument('<environment>', 'where')
    .argument('[repository]', 'if only this repository is pinned, as by a rollback');
  withExamples(withDecision(command), 'unpin live orders').action(
    async (name: string, repository: string | undefined, options: DecideOptions) => {
      const { openSource } = await import('../connection/open.ts');
      const { knownEnvironment, knownRepository } = await import('../../queries/names.ts');
      const { carryOut, confirmLive } = await import('./shared/decision.ts');
      const source = await openSource(options);
      const environment = knownEnvironment(source, name);
      if (repository !== undefined) knownRepository(source, repository);
      await confirmLive(source, [environment], `unpin ${repository ?? 'all'} in ${environment}`, options);
      await carryOut(source, { verb: 'unpin', environment, ...(repository ? { repository } : {}) }, options);
    },
  );
}
