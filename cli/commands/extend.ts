/** `shiplock extend`: an on-demand environment stays up beyond its hours. */
import type { Command } from 'commander';
import { type DecideOptions, withDecision } from './shared/decision.ts';
import { withExamples } from './shared/options.ts';

export function addExtend(program: Command): void {
  const command = program
    .command('extend')
    .description('keep an on-demand environment up beyond its hours')
    .argument('<environment>', 'which')
    .requiredOption('--until <time>', 'a time such as 2026-11-27T22:00:00+01:00, or a span such as 2h');
  withExamples(withDecision(command), 'extend test --until 3h').action(async (name: string, options: DecideOptions & { until: string }) => {
    const { openSource } = await import('../connection/open.ts');
    const { knownEnvironment } = await import('../../queries/names.ts');
    const { carryOut, instant } = await import('./shared/decision.ts');
    const source = await openSource(options);
    const environment = knownEnvironment(source, name);
    await carryOut(source, { verb: 'extend', environment, until: instant(options.until, source.now()) }, options);
  });
}
