/** `shiplock approvals`: what waits for people, and for whom. */
import type { Command } from 'commander';
import { type SourceOptions, withExamples, withSource } from '../options.ts';
import { age, print, printJson, table } from '../output.ts';

export function addApprovals(program: Command): void {
  const command = program.command('approvals').description('what waits for approval, by whom, since when, and until when');
  withExamples(withSource(command), 'approvals').action(async (options: SourceOptions) => {
    const { openSource } = await import('../source.ts');
    const { ledger, pipeline, now } = await openSource(options);
    const gates = await ledger.openGates();
    const rules = new Map(pipeline.path.map(({ name, approval }) => [name, approval]));
    if (options.json)
      // A token is what answers a gate: nobody but decide needs it.
      return printJson(gates.map(({ token: _token, ...gate }) => ({ ...gate, approvers: rules.get(gate.stage)?.approvers ?? [] })));
    if (gates.length === 0) return print('nothing waits for approval');
    const rows = gates.map(({ approval, release, approvals, askedAt, deadline, stage }) => [
      approval,
      age(now() - Date.parse(askedAt)),
      age(deadline - now()),
      `${approvals.length}/${rules.get(stage)?.quorum ?? 1}`,
      `${(rules.get(stage)?.approvers ?? []).join(', ')}: ${release.message ?? release.tag}`,
    ]);
    print(table(['approval', 'asked', 'left', 'given', 'of whom, about what'], rows));
  });
}
