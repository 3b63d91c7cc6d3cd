/** Approvals that are asked for: which wait for whom, what one is about, and what keeps its release out all the same. */
import { askedAbout } from '../domain/approval/approval.ts';
import { approvalOf } from '../domain/database/databases.ts';
import { whatKeepsOut } from '../domain/environment/freeze-and-pin.ts';
import type { ApprovalRecord } from '../domain/ledger/records.ts';
import { membersOf, shortDigest } from '../domain/release/release.ts';
import type { Readers } from './readers.ts';

/** An approval that waits. Its task token is not in it: that is what answers it, and nobody but `decide` needs it. */
export type ApprovalView = Omit<ApprovalRecord, 'token'> & {
  /** So many have to approve. */
  readonly quorum: number;
  /** Who may; empty where only the author would be left. */
  readonly approvers: readonly string[];
};

export async function openApprovals({ ledger, pipeline }: Pick<Readers, 'ledger' | 'pipeline'>): Promise<ApprovalView[]> {
  return (await ledger.openGates()).map(({ token: _token, ...gate }) => {
    const rule = approvalOf(pipeline, gate.stage, gate.release.repository);
    return { ...gate, quorum: rule?.quorum ?? 1, approvers: rule ? askedAbout(rule, pipeline.people, gate.release.author) : [] };
  });
}

/** Those that a name means, as `approvals` writes it or as REPOSITORY@TAG; all that wait, where nothing is named. */
export const approvalsNamed = (approvals: readonly ApprovalView[], wanted: string | undefined): ApprovalView[] =>
  approvals.filter(
    ({ approval, release }) => wanted === undefined || approval === wanted || `${release.repository}@${release.tag}` === wanted,
  );

/** Why its release would be refused in an environment that is frozen or pinned; an approval would be spent. Undefined where it may go in. */
export async function keptOutOf(
  { ledger, now }: Pick<Readers, 'ledger' | 'now'>,
  { release, releaseRun }: Pick<ApprovalRecord, 'release' | 'releaseRun'>,
  environment: string,
): Promise<string | undefined> {
  const restrictions = await ledger.freezeAndPins(environment);
  if (restrictions.freeze === undefined && restrictions.pins.length === 0) return undefined;
  const known = await ledger.release(release.repository, release.digest);
  const hotfix = known?.execution === releaseRun ? known.hotfix : undefined;
  const [reason] = membersOf(release).flatMap((member) => whatKeepsOut(restrictions, member, { hotfix }, now()) ?? []);
  return reason;
}

/** A request that waits no more: answered, too late, superseded. Undefined if there was none. */
export async function answeredApproval(
  { ledger, pipeline }: Pick<Readers, 'ledger' | 'pipeline'>,
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
