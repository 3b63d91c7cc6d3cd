/** `shiplock restart`: the same releases, new tasks. */
import type { Command } from 'commander';
import { type DecideOptions, withWait } from './shared/decision.ts';
import { withExamples } from './shared/options.ts';

export function addRestart(program: Command): void {
  const command = program
    .command('restart')
    .description('replace the tasks of an environment, or of one service and its group, by new tasks of the same release')
    .argument('<environment>', 'where')
    .argument('[service]', 'only this service, with those that share its repositories');
  withExamples(withWait(command), 'restart staging orders-web --wait').action(
    async (name: string, service: string | undefined, options: DecideOptions) => {
      const { openSource } = await import('../connection/open.ts');
      const { knownEnvironment, knownService } = await import('../../queries/names.ts');
      const { carryOut, confirmLive } = await import('./shared/decision.ts');
      const source = await openSource(options);
      const environment = knownEnvironment(source, name);
      if (service !== undefined) knownService(source, service);
      await confirmLive(source, [environment], `restart ${service ?? 'all'} in ${environment}`, options);
      await carryOut(source, { verb: 'restart', environment, ...(service ? { service } : {}) }, options);
    },
  );
}
