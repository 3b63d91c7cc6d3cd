/** Who may decide at a gate, and what their decision makes of it. */

import type { ApprovalRecord } from '../ledger/records.ts';
import { peopleRole } from '../pipeline/names.ts';
import type { ApprovalRule, Person, Pipeline } from '../pipeline/pipeline.ts';
import { releaseTitle, shortDigest } from '../release/release.ts';
import { gateName } from './confirmation.ts';

export interface Decision {
  readonly verb: 'approve' | 'reject';
  readonly approval: string;
  /** The digest that was shown to the person: what was approved is what runs. */
  readonly digest: string;
  readonly reason?: string;
}

export type Verdict =
  | { readonly kind: 'refused'; readonly reason: string }
  /** One of several approvals that are needed. */
  | { readonly kind: 'counted'; readonly record: ApprovalRecord; readonly missing: number }
  | { readonly kind: 'approved' | 'rejected'; readonly record: ApprovalRecord };

/**
 * @param people all of the pipeline: an author that is none of them is unknown
 * @param person who asks, as the signature proves; undefined is a stranger
 * @param now milliseconds since the epoch
 */
export function decide(
  gate: ApprovalRecord | undefined,
  rule: ApprovalRule | undefined,
  people: readonly Person[],
  person: Person | undefined,
  decision: Decision,
  now: number,
): Verdict {
  const refuse = (reason: string): Verdict => ({ kind: 'refused', reason });
  if (person === undefined)
    return refuse('nobody of this pipeline’s people has this identity; add it under `people` in shiplock.config.ts');
  if (gate === undefined || rule === undefined) return refuse(`there is no approval request ${decision.approval}; see shiplock approvals`);
  const title = releaseTitle(gate.release);
  if (gate.approval !== decision.approval)
    return refuse(
      gate.state === 'waiting'
        ? `${decision.approval} is superseded: ${title} waits there now, as ${gate.approval}`
        : `${decision.approval} is no request that waits; the last one there was ${gate.approval}, about ${title}`,
    );
  if (gate.release.digest !== decision.digest)
    return refuse(
      `${decision.approval} is about ${shortDigest(gate.release.digest)}, not ${shortDigest(decision.digest)}; read the request again: shiplock approvals`,
    );
  switch (gate.state) {
    case 'waiting':
      break;
    case 'expired':
      return refuse(`the request for ${title} has expired; push or retry it to ask again`);
    case 'superseded':
      return refuse(`${title} is superseded by a newer release; its request is dead`);
    case 'withdrawn':
      return refuse(`${title} has ended; its request is withdrawn`);
    case 'approved':
      return refuse(`${title} has already been approved for ${gateName(gate.stage)} by ${gate.approvals.map(({ by }) => by).join(', ')}`);
    case 'rejected':
      return refuse(`${title} has already been rejected for ${gateName(gate.stage)}`);
  }
  if (now >= gate.deadline) return refuse(`the request for ${title} has expired; push or retry it to ask again`);
  if (!rule.approvers.includes(person.email))
    return refuse(`${person.email} may not decide about ${gateName(gate.stage)}; it asks ${rule.approvers.join(', ')}`);
  if (decision.verb === 'reject')
    return {
      kind: 'rejected',
      record: { ...gate, state: 'rejected', version: gate.version + 1, reason: `${person.email}: ${decision.reason || 'no reason given'}` },
    };
  if (rule.notAuthor) {
    const unknown = unknownAuthor(people, gate.release.author);
    if (unknown !== undefined)
      return refuse(
        `${unknown} wrote ${title}, and ${gateName(gate.stage)} asks for somebody else than the author; label the image with shiplock.commit.author, and name its author under people (authorAs) in shiplock.config.ts`,
      );
    if (isAuthor(person, gate.release.author ?? ''))
      return refuse(`${person.email} wrote ${title}; ${gateName(gate.stage)} asks for somebody else`);
  }
  if (gate.approvals.some(({ by }) => by === person.email)) return refuse(`${person.email} has approved ${title} already`);
  const approvals = [...gate.approvals, { by: person.email, at: new Date(now).toISOString() }];
  const missing = rule.quorum - approvals.length;
  const record: ApprovalRecord = { ...gate, approvals, version: gate.version + 1 };
  return missing > 0 ? { kind: 'counted', record, missing } : { kind: 'approved', record: { ...record, state: 'approved' } };
}

/** Whom a gate asks about a release: its approvers, without the author where it asks for somebody else. */
export function askedAbout(rule: ApprovalRule, people: Pipeline['people'], author = ''): string[] {
  const mayNot = (person: Person | undefined) => rule.notAuthor && person !== undefined && isAuthor(person, author);
  return rule.approvers.filter((email) => !mayNot(people[email]));
}

/** Whether a person is among the authors that a label names, by address or by name. */
export const isAuthor = (person: Person, author: string): boolean =>
  authorsOf(author).some(({ address, name }) => is(person, address) || is(person, name));

/**
 * An author who is none of the people is not somebody else than whoever approves: it may be their private address.
 * @returns who it is that nobody knows, in words; undefined if all of the authors are known
 */
function unknownAuthor(people: readonly Person[], author: string | undefined): string | undefined {
  if (author === undefined) return 'nobody knows who';
  // An address says more than the name beside it, which anybody may have.
  const stranger = authorsOf(author).find(({ address, name }) => !people.some((person) => is(person, address ?? name)));
  return stranger && `“${stranger.text}”, who is none of this pipeline’s people,`;
}

const is = ({ email, authorAs }: Person, name: string | undefined) =>
  name !== undefined && [email, ...authorAs].some((own) => own.toLowerCase() === name.toLowerCase());

interface Author {
  readonly text: string;
  readonly name: string;
  readonly address?: string;
}

/** An author label holds addresses as `Name <a@example.com>` or bare, several apart by commas; case does not count. */
function authorsOf(label: string): Author[] {
  return label.split(/[,;\n]/).map((part) => {
    const text = part.trim();
    const [, name, address] = /^([^<>]*)<([^<>]+)>$/.exec(text) ?? [];
    return address === undefined ? { text, name: text } : { text, name: (name ?? '').trim(), address: address.trim() };
  });
}

/** The person behind a caller: `arn:aws:sts::<account>:assumed-role/<role>/<session>`, of one of the pipeline's accounts. */
export function personBehind(pipeline: Pipeline, callerArn: string): Person | undefined {
  const match = /^arn:aws:sts::(\d{12}):assumed-role\/([^/]+)\/(.+)$/.exec(callerArn);
  if (match === null) return undefined;
  const [, account, role, session] = match;
  const known = Object.values(pipeline.sites).some((site) => site.account === account);
  if (!known || !isPeopleRole(pipeline.name, role ?? '')) return undefined;
  return Object.values(pipeline.people).find((person) => person.session === session);
}

/** Roles whose session name single sign-on sets, so that nobody can choose it: AWS's reserved ones, and the pipeline's own for people. */
export const isPeopleRole = (pipeline: string, role: string) => role.startsWith('AWSReservedSSO_') || role === peopleRole(pipeline);

/** The strictest of several rules: whoever all of them accept, the highest quorum, the shortest time. */
export function strictest(rules: readonly ApprovalRule[]): ApprovalRule | undefined {
  const [first, ...rest] = rules;
  if (first === undefined) return undefined;
  return rest.reduce(
    (all, rule) => ({
      approvers: all.approvers.filter((approver) => rule.approvers.includes(approver)),
      quorum: Math.max(all.quorum, rule.quorum),
      notAuthor: all.notAuthor || rule.notAuthor,
      expiresHours: Math.min(all.expiresHours, rule.expiresHours),
    }),
    first,
  );
}
