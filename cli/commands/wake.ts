/** `shiplock wake`: brings an on-demand environment up with what ran before. */
import type { Command } from 'commander';
import { type DecideOptions, withWait } from './shared/decision.ts';
import { withExamples } from './shared/options.ts';

export function addWake(program: Command): void {
  const command = program
    .command('wake')
    .description('bring an on-demand environment up with the releases that ran before')
    .argument('<environment>', 'which');
  withExamples(withWait(command), 'wake test --wait').action(async (name: string, options: DecideOptions) => {
    const { openSource } = await import('../connection/open.ts');
    const { knownEnvironment } = await import('../../queries/names.ts');
    const { carryOut } = await import('./shared/decision.ts');
    const source = await openSource(options);
    await carryOut(source, { verb: 'wake', environment: knownEnvironment(source, name) }, options);
  });
}
