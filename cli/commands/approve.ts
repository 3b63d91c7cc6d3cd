/** `shiplock approve`: lets a release through its gate. */
import type { Command } from 'commander';
import type { ApprovalOptions } from './shared/approval.ts';
import { withDecision } from './shared/decision.ts';
import { inWords, withExamples } from './shared/options.ts';

export function addApprove(program: Command): void {
  const command = program
    .command('approve')
    .description('approve a release at its gate')
    .argument('[approval]', 'its name as shiplock approvals shows it, or REPOSITORY@TAG; not needed if only one waits')
    .option('--reason <text>', 'why; it is kept in the journal', inWords);
  withExamples(withDecision(command), 'approve beta/orders/cf7edb2a90b1/1', 'approve orders@git_cf7edb2').action(
    async (approval: string | undefined, options: ApprovalOptions) => {
      const { answerApproval } = await import('./shared/approval.ts');
      await answerApproval('approve', approval, options);
    },
  );
}
