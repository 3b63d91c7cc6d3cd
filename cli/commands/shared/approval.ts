/** Answers a gate: finds which is meant, shows what it is about, and sends the digest that was looked at. */

import { confirmedEnvironment } from '../../../domain/approval/confirmation.ts';
import { whatKeepsOut } from '../../../domain/environment/freeze-and-pin.ts';
import type { ApprovalRecord } from '../../../domain/ledger/records.ts';
import { membersOf, shortDigest } from '../../../domain/release/release.ts';
import { suggestion } from '../../../domain/text/suggestion.ts';
import { openSource, type Source } from '../../connection/source.ts';
import { age, inZone, noteWrapped, plain, titleOf, UsageError } from '../../terminal/output.ts';
import { carryOut, confirmLive, type DecideOptions } from './decision.ts';

export type GateOptions = DecideOptions & { readonly reason?: string };

/** Among several. @throws UsageError if nobody can be asked, or nothing is chosen */
async function chosen(verb: string, gates: readonly ApprovalRecord[], now: number): Promise<ApprovalRecord> {
  const { canAsk } = await import('../../terminal/release-list.ts');
  if (!canAsk() || process.env.TERM === 'dumb')
    throw new UsageError(`several wait, say which: ${gates.map(({ approval }) => approval).join(', ')}`);
  const { pick } = await import('../../terminal/picker.ts');
  const options = gates.map(({ approval, release, stage, askedAt }, index) => ({
    number: index + 1,
    cells: [titleOf(release), `into ${stage}`, age(now - Date.parse(askedAt)), release.message ?? ''],
    details: [`“${release.message ?? 'no message'}”, by ${release.author ?? 'nobody known'}`, approval],
  }));
  const answer = await pick(`${verb} which?`, options);
  const gate = gates[(answer?.number ?? 0) - 1];
  if (gate === undefined) throw new UsageError('nothing chosen');
  return gate;
}

export async function answerGate(verb: 'approve' | 'reject', wanted: string | undefined, options: GateOptions): Promise<void> {
  const source = await openSource(options);
  source.assertMayDecide(verb);
  const gates = await source.ledger.openGates();
  const names = gates.map(({ approval }) => approval);
  const found = gates.filter(
    ({ approval, release }) => wanted === undefined || approval === wanted || `${release.repository}@${release.tag}` === wanted,
  );
  const gate = found.length > 1 ? await chosen(verb, found, source.now()) : found[0];
  if (gate === undefined) {
    if (wanted === undefined) throw new UsageError('nothing waits for approval');
    const answered = await answeredGate(source, wanted);
    if (answered === undefined)
      throw new UsageError(`no approval request ${plain(wanted)}${suggestion(wanted, names)}; see shiplock approvals`);
    // What has become of it, the pipeline says, and writes down who asked.
    return carryOut(source, { verb, ...answered, ...(options.reason ? { reason: options.reason } : {}) }, options);
  }
  const { release, stage } = gate;
  const looked = confirmedEnvironment(stage);
  if (!options.json)
    noteWrapped(
      `${titleOf(release)} ${looked ? `at the test listener of ${looked}` : `into ${stage}`}: ${plain(release.message ?? 'no message')}, by ${plain(release.author ?? 'nobody known')}`,
    );
  if (verb === 'approve') {
    const environments = looked ? [looked] : (source.pipeline.path.find(({ name }) => name === stage)?.environments ?? []);
    if (!looked && !options.json) await warnOfFreezeAndPins(source, gate, environments);
    const what = looked ? `let traffic of ${looked} go to` : 'approve';
    await confirmLive(source, environments, `${what} ${titleOf(release)}${looked ? '' : ` for ${stage}`}`, options);
  }
  await carryOut(
    source,
    { verb, approval: gate.approval, digest: release.digest, ...(options.reason ? { reason: options.reason } : {}) },
    options,
  );
}

/** What keeps it out all the same: a release that comes to a frozen environment is refused there, and an approval spent. */
async function warnOfFreezeAndPins(
  source: Source,
  { release, releaseRun }: ApprovalRecord,
  environments: readonly string[],
): Promise<void> {
  const { ledger } = source;
  for (const environment of environments) {
    const holds = await ledger.freezeAndPins(environment);
    if (holds.freeze === undefined && holds.pins.length === 0) continue;
    const known = await ledger.release(release.repository, release.digest);
    const hotfix = known?.execution === releaseRun ? known.hotfix : undefined;
    const [held] = membersOf(release).flatMap((member) => whatKeepsOut(holds, member, { hotfix }, source.now()) ?? []);
    if (held) noteWrapped(`${inZone(plain(held), source.timeZone)}\nwhat is approved before that has ended is refused in ${environment}`);
  }
}

/** A request that waits no more: answered, too late, superseded. Undefined if there was none. */
async function answeredGate(
  { ledger, pipeline }: Source,
  wanted: string,
): Promise<(Pick<ApprovalRecord, 'approval'> & { readonly digest: string }) | undefined> {
  const [repositoryOf = '', tag] = wanted.split('@');
  const [stage, ...rest] = wanted.split('/');
  const repository = tag === undefined ? rest.slice(0, -2).join('/') : repositoryOf;
  if (!Object.hasOwn(pipeline.repositories, repository)) return undefined;
  const releases = await ledger.releasesOf(repository);
  if (tag === undefined) {
    const release = releases.find(({ digest }) => shortDigest(digest) === rest.at(-2));
    return release && pipeline.path.some(({ name }) => name === stage) ? { approval: wanted, digest: release.digest } : undefined;
  }
  const gates = await Promise.all(pipeline.path.map(({ name }) => ledger.gate(name, repository)));
  const own = gates
    .filter((gate): gate is ApprovalRecord => gate?.release.tag === tag)
    .toSorted((a, b) => (a.askedAt < b.askedAt ? 1 : -1))[0];
  if (own) return { approval: own.approval, digest: own.release.digest };
  // Where it asked, something newer may have asked since.
  const release = releases.find((one) => one.tag === tag);
  const asked = pipeline.path.find(({ name, approval }) => name === release?.stage && approval !== undefined);
  return release && asked
    ? { approval: `${asked.name}/${repository}/${shortDigest(release.digest)}/${release.attempt}`, digest: release.digest }
    : undefined;
}
