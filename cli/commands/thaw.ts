/** `shiplock thaw`: ends a freeze. */
import type { Command } from 'commander';
import { type DecideOptions, withDecision } from './shared/decision.ts';
import { withExamples } from './shared/options.ts';

export function addThaw(program: Command): void {
  const command = program.command('thaw').description('end a freeze').argument('<environment>', 'which');
  withExamples(withDecision(command), 'thaw live').action(async (name: string, options: DecideOptions) => {
    const { openSource } = await import('../connection/open.ts');
    const { knownEnvironment } = await import('../../queries/names.ts');
    const { carryOut, confirmLive } = await import('./shared/decision.ts');
    const source = await openSource(options);
    const environment = knownEnvironment(source, name);
    await confirmLive(source, [environment], `thaw ${environment}`, options);
    await carryOut(source, { verb: 'thaw', environment }, options);
  });
}
