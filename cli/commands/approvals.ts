/** `shiplock approvals`: what waits for people, and for whom. */
import type { Command } from 'commander';
import { age, dim, plain, print, printJson, table, titleOf, width, wrap } from '../terminal/output.ts';
import { type SourceOptions, withExamples, withSource } from './shared/options.ts';

export function addApprovals(program: Command): void {
  const command = program.command('approvals').description('what waits for approval, by whom, since when, and until when');
  withExamples(withSource(command), 'approvals').action(async (options: SourceOptions) => {
    const { openSource } = await import('../connection/source.ts');
    const { approvalOf } = await import('../../domain/database/databases.ts');
    const { askedAbout } = await import('../../domain/approval/approval.ts');
    const { ledger, pipeline, now } = await openSource(options);
    const gates = (await ledger.openGates()).map(({ token: _token, ...gate }) => {
      const rule = approvalOf(pipeline, gate.stage, gate.release.repository);
      // A token is what answers a gate: nobody but decide needs it.
      return { ...gate, quorum: rule?.quorum ?? 1, approvers: rule ? askedAbout(rule, pipeline.people, gate.release.author) : [] };
    });
    if (options.json) return printJson(gates);
    if (gates.length === 0) return print('nothing waits for approval');
    const drawn = table(
      ['approval', 'asked', 'left', 'given'],
      gates.map(({ approval, approvals, askedAt, deadline, quorum }) => [
        approval,
        age(now() - Date.parse(askedAt)),
        age(deadline - now()),
        `${approvals.length}/${quorum}`,
      ]),
    ).split('\n');
    const below = (text: string) => wrap(plain(text), width() - 5).map((line) => `    ${line}`);
    print(
      [
        drawn[0] ?? '',
        ...gates.flatMap(({ release, approvers, approvals }, index) => [
          drawn[index + 1] ?? '',
          ...below(`${titleOf(release)} by ${release.author ?? 'nobody known'}: ${release.message ?? 'no message'}`),
          ...below(`asks ${approvers.join(', ') || 'nobody: its author would be the only one'}`).map(dim),
          ...(approvals.length > 0 ? below(`approved by ${approvals.map(({ by }) => by).join(', ')}`).map(dim) : []),
        ]),
      ].join('\n'),
    );
  });
}
