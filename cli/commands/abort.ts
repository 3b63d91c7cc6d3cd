/** `shiplock abort`: ends a run or a promotion that is in progress, and puts back what it changed. */
import type { Command } from 'commander';
import { type DecideOptions, withDecision } from './shared/decision.ts';
import { inWords, withExamples } from './shared/options.ts';

export function addAbort(program: Command): void {
  const command = program
    .command('abort')
    .description('end a run or a promotion that is in progress, and put back what it changed')
    .argument('<what>', 'REPOSITORY@TAG, or the name of an execution')
    .option('--reason <text>', 'why; it is kept in the journal', inWords);
  withExamples(withDecision(command), 'abort orders@git_cf7edb2 --reason "wrong branch"').action(
    async (what: string, options: DecideOptions & { reason?: string }) => {
      const { openSource } = await import('../connection/open.ts');
      const { carryOut, splitRelease } = await import('./shared/decision.ts');
      const { findRelease } = await import('../../queries/releases.ts');
      const source = await openSource(options);
      let execution = what;
      if (what.includes('@')) {
        const { repository, reference } = splitRelease(what);
        const { digest } = await findRelease(source, repository, reference);
        execution = (await source.ledger.release(repository, digest))?.execution ?? what;
      }
      await carryOut(source, { verb: 'abort', execution, ...(options.reason ? { reason: options.reason } : {}) }, options);
    },
  );
}
