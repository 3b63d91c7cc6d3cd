/** `shiplock approvals`: what waits for people, and for whom. */
import type { Command } from 'commander';
import type { SourceOptions } from '../connection/options.ts';
import { dim, width } from '../terminal/colours.ts';
import { print, printJson } from '../terminal/output.ts';
import { table } from '../terminal/table.ts';
import { age, plain, titleOf, wrap } from '../terminal/text.ts';
import { withExamples, withSource } from './shared/options.ts';

export function addApprovals(program: Command): void {
  const command = program.command('approvals').description('list what waits for approval, by whom, since when, and until when');
  withExamples(withSource(command), 'approvals').action(async (options: SourceOptions) => {
    const { openSource } = await import('../connection/open.ts');
    const { openApprovals } = await import('../../queries/approvals.ts');
    const source = await openSource(options);
    const { now } = source;
    const gates = await openApprovals(source);
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
