/** Answers an approval: finds which is meant, shows what it is about, and sends the digest that was shown. */
import { confirmedEnvironment } from '../../../domain/approval/confirmation.ts';
import { suggestion } from '../../../domain/text/suggestion.ts';
import { inZone } from '../../../domain/text/times.ts';
import { type ApprovalView, answeredApproval, approvalsNamed, keptOutOf, openApprovals } from '../../../queries/approvals.ts';
import { openSource } from '../../connection/open.ts';
import type { Source } from '../../connection/source.ts';
import { UsageError } from '../../terminal/errors.ts';
import { noteWrapped } from '../../terminal/output.ts';
import { age, plain, titleOf } from '../../terminal/text.ts';
import { carryOut, confirmLive, type DecideOptions } from './decision.ts';

export type ApprovalOptions = DecideOptions & { readonly reason?: string };

export async function answerApproval(verb: 'approve' | 'reject', wanted: string | undefined, options: ApprovalOptions): Promise<void> {
  const source = await openSource(options);
  source.assertMayDecide(verb);
  const because = options.reason ? { reason: options.reason } : {};
  const open = await openApprovals(source);
  const found = approvalsNamed(open, wanted);
  const asked = found.length > 1 ? await chosen(verb, found, source.now()) : found[0];
  if (asked === undefined) {
    if (wanted === undefined) throw new UsageError('nothing waits for approval');
    const answered = await answeredApproval(source, wanted);
    const names = open.map(({ approval }) => approval);
    if (answered === undefined)
      throw new UsageError(`no approval request ${plain(wanted)}${suggestion(wanted, names)}; see shiplock approvals`);
    // The pipeline says what has become of it, and writes down who asked.
    return carryOut(source, { verb, ...answered, ...because }, options);
  }
  if (!options.json) show(asked);
  if (verb === 'approve') await confirm(source, asked, options);
  await carryOut(source, { verb, approval: asked.approval, digest: asked.release.digest, ...because }, options);
}

/** Which of several. @throws UsageError if nobody can be asked, or nothing is chosen */
async function chosen(verb: string, approvals: readonly ApprovalView[], now: number): Promise<ApprovalView> {
  const { canAsk } = await import('../../terminal/prompt.ts');
  if (!canAsk() || process.env.TERM === 'dumb')
    throw new UsageError(`several wait; name one of them: ${approvals.map(({ approval }) => approval).join(', ')}`);
  const { pick } = await import('../../terminal/picker.ts');
  const options = approvals.map(({ approval, release, stage, askedAt }, index) => ({
    number: index + 1,
    cells: [titleOf(release), `into ${stage}`, age(now - Date.parse(askedAt)), release.message ?? ''],
    details: [`“${release.message ?? 'no message'}”, by ${release.author ?? 'nobody known'}`, approval],
  }));
  const answer = await pick(`${verb} which?`, options);
  const approval = approvals[(answer?.number ?? 0) - 1];
  if (approval === undefined) throw new UsageError('nothing chosen');
  return approval;
}

function show({ release, stage }: ApprovalView): void {
  const place = confirmedEnvironment(stage);
  const where = place ? `at the test listener of ${place}` : `into ${stage}`;
  noteWrapped(`${titleOf(release)} ${where}: ${plain(release.message ?? 'no message')}, by ${plain(release.author ?? 'nobody known')}`);
}

/** Warns of what keeps the release out, and asks for the name of a live environment. */
async function confirm(source: Source, approval: ApprovalView, options: ApprovalOptions): Promise<void> {
  const { release, stage } = approval;
  const place = confirmedEnvironment(stage);
  if (place) return confirmLive(source, [place], `let traffic of ${place} go to ${titleOf(release)}`, options);
  const environments = source.pipeline.path.find(({ name }) => name === stage)?.environments ?? [];
  for (const environment of options.json ? [] : environments) {
    const reason = await keptOutOf(source, approval, environment);
    if (reason === undefined) continue;
    noteWrapped(`${inZone(plain(reason), source.timeZone)}\na release that is approved before that ends is refused in ${environment}`);
  }
  await confirmLive(source, environments, `approve ${titleOf(release)} for ${stage}`, options);
}
