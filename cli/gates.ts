/** Answers a gate: finds which is meant, shows what it is about, and sends the digest that was looked at. */
import { lookedAt } from '../domain/strategy.ts';
import { suggestion } from '../domain/suggestion.ts';
import { carryOut, confirmLive, type DecideOptions } from './deciding.ts';
import { note, plain, UsageError } from './output.ts';
import { openSource } from './source.ts';

export type GateOptions = DecideOptions & { readonly reason?: string };

export async function answerGate(verb: 'approve' | 'reject', wanted: string | undefined, options: GateOptions): Promise<void> {
  const source = await openSource(options);
  source.assertMayDecide(verb);
  const gates = await source.ledger.openGates();
  const names = gates.map(({ approval }) => approval);
  const found = gates.filter(
    ({ approval, release }) => wanted === undefined || approval === wanted || `${release.repository}@${release.tag}` === wanted,
  );
  const [gate] = found;
  if (gate === undefined)
    throw new UsageError(
      wanted === undefined
        ? 'nothing waits for approval'
        : `no approval request ${plain(wanted)}${suggestion(wanted, names)}; see shiplock approvals`,
    );
  if (found.length > 1) throw new UsageError(`several wait, say which: ${names.join(', ')}`);
  const { release, stage } = gate;
  if (!options.json)
    note(
      `${release.repository} ${plain(release.tag)} into ${stage}: ${plain(release.message ?? 'no message')}, by ${plain(release.author ?? 'nobody known')}`,
    );
  if (verb === 'approve') {
    const looked = lookedAt(stage);
    const environments = looked ? [looked] : (source.pipeline.path.find(({ name }) => name === stage)?.environments ?? []);
    const what = looked ? `let traffic of ${looked} go to` : 'approve';
    await confirmLive(source, environments, `${what} ${release.repository} ${release.tag}${looked ? '' : ` for ${stage}`}`, options);
  }
  await carryOut(
    source,
    { verb, approval: gate.approval, digest: release.digest, ...(options.reason ? { reason: options.reason } : {}) },
    options,
  );
}
