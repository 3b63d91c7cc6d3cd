/** `shiplock reject`: ends a release at its gate, and says why. */
import type { Command } from 'commander';
import type { ApprovalOptions } from './shared/approval.ts';
import { withDecision } from './shared/decision.ts';
import { inWords, withExamples } from './shared/options.ts';

export function addReject(program: Command): void {
  const command = program
    .command('reject')
    .description('reject a release at its gate; its run ends as refused')
    .argument('[approval]', 'its name as shiplock approvals shows it, or REPOSITORY@TAG; not needed if only one waits')
    .requiredOption('--reason <text>', 'why; its author reads it', inWords);
  withExamples(withDecision(command), 'reject beta/orders/cf7edb2a90b1/1 --reason "prices are wrong"').action(
    async (approval: string | undefined, options: ApprovalOptions) => {
      const { answerApproval } = await import('./shared/approval.ts');
      await answerApproval('reject', approval, options);
    },
  );
}
