import { describe, expect, it } from 'vitest';
import { askedAbout, type Decision, decide, isAuthor, personBehind, strictest } from '../../../domain/approval/approval.ts';
import type { ApprovalRecord } from '../../../domain/ledger/records.ts';
import type { ApprovalRule, Person, Pipeline } from '../../../domain/pipeline/pipeline.ts';

const person = (email: string, authorAs: readonly string[] = []): Person => ({ email, session: email, authorAs, groups: [] });
const manager = person('release-manager@example.com');
const lead = person('integration-lead@example.com');
const author = person('developer@example.com', ['dev@old.example.com']);

const people = [manager, lead, author];

const rule: ApprovalRule = { approvers: [manager.email, lead.email, author.email], quorum: 1, notAuthor: true, expiresHours: 1 };

const gate: ApprovalRecord = {
  approval: 'live/orders/aaaaaaaaaaaa/1',
  stage: 'live',
  release: { repository: 'orders', digest: 'sha256:aaaaaaaaaaaaaaaa', tag: 'git_1', order: '1', pushedAt: '', author: author.email },
  releaseRun: 'orders-aaaaaaaaaaaa-1',
  token: 'secret',
  state: 'waiting',
  askedAt: '2026-11-23T08:00:00.000Z',
  deadline: 1000,
  approvals: [],
  version: 1,
};
const approve = { verb: 'approve', approval: gate.approval, digest: gate.release.digest } as const;

const decided = (gate: ApprovalRecord, rule: ApprovalRule, who: Person | undefined, decision: Decision, now: number) =>
  decide(gate, rule, people, who, decision, now);
const reasonOf = (...given: Parameters<typeof decided>) => {
  const verdict = decided(...given);
  return verdict.kind === 'refused' ? verdict.reason : `not refused but ${verdict.kind}`;
};

describe('a gate', () => {
  it('opens when one of the approvers says so', () => {
    const verdict = decided(gate, rule, manager, approve, 500);
    expect(verdict.kind).toBe('approved');
    expect(verdict.kind === 'approved' && verdict.record).toMatchObject({
      state: 'approved',
      version: 2,
      approvals: [{ by: manager.email }],
    });
  });

  it('refuses a stranger', () => expect(reasonOf(gate, rule, undefined, approve, 500)).toContain('nobody of this pipeline'));
  it('refuses who is no approver', () =>
    expect(reasonOf(gate, { ...rule, approvers: [lead.email] }, manager, approve, 500)).toContain('may not decide about live'));
  it('asks its approvers, and not the author where it asks for somebody else', () => {
    const known = Object.fromEntries(people.map((one) => [one.email, one]));
    expect(askedAbout(rule, known, 'Dev <dev@old.example.com>')).toEqual([manager.email, lead.email]);
    expect(askedAbout(rule, known, undefined)).toEqual(rule.approvers);
    expect(askedAbout({ ...rule, notAuthor: false }, known, author.email)).toEqual(rule.approvers);
  });
  it('refuses the author', () => expect(reasonOf(gate, rule, author, approve, 500)).toContain('wrote orders git_1'));
  it('refuses the author under an old address', () => {
    const old = { ...gate, release: { ...gate.release, author: 'Developer <DEV@old.example.com>' } };
    expect(reasonOf(old, rule, author, approve, 500)).toContain('wrote orders git_1');
  });
  it('never takes an unknown author for somebody else', () => {
    const { author: _author, ...anonymous } = gate.release;
    expect(reasonOf({ ...gate, release: anonymous }, rule, manager, approve, 500)).toContain('nobody knows who wrote');
  });
  for (const somebody of [
    'NGINX Docker Maintainers <docker-maint@nginx.com>',
    '1234+dev@users.noreply.github.com',
    `${lead.email} <1234+dev@users.noreply.github.com>`,
    `${lead.email}, 1234+dev@users.noreply.github.com`,
    `Lead <${lead.email}>; 1234+dev@users.noreply.github.com`,
    `Lead <${lead.email}> 1234+dev@users.noreply.github.com`,
    `Lead <${lead.email}>, …`,
    '',
  ])
    it(`never takes “${somebody}”, who is none of its people, for somebody else`, () => {
      const foreign = { ...gate, release: { ...gate.release, author: somebody } };
      for (const who of people) expect(reasonOf(foreign, rule, who, approve, 500)).toMatch(/none of this pipeline’s people.*authorAs/);
    });
  it('asks somebody else than any of several authors', () => {
    const both = { ...gate, release: { ...gate.release, author: `Lead <${lead.email}>, DEV@old.example.com` } };
    expect(reasonOf(both, rule, lead, approve, 500)).toContain('wrote orders git_1');
    expect(reasonOf(both, rule, author, approve, 500)).toContain('wrote orders git_1');
    expect(decided(both, rule, manager, approve, 500).kind).toBe('approved');
  });
  it('does not care who wrote it where the rule does not', () => {
    const foreign = { ...gate, release: { ...gate.release, author: 'nobody' } };
    expect(decided(foreign, { ...rule, notAuthor: false }, manager, approve, 500).kind).toBe('approved');
  });
  it('refuses another digest', () =>
    expect(reasonOf(gate, rule, manager, { ...approve, digest: 'sha256:b' }, 500)).toContain('read the request again'));
  it('refuses a request that another has taken the place of', () =>
    expect(reasonOf(gate, rule, manager, { ...approve, approval: 'live/orders/bbbbbbbbbbbb/1' }, 500)).toContain('superseded'));
  it('is open until its deadline, to the millisecond', () => {
    expect(decided(gate, rule, manager, approve, 999).kind).toBe('approved');
    expect(reasonOf(gate, rule, manager, approve, 1000)).toContain('has expired');
  });
  for (const state of ['approved', 'rejected', 'expired', 'superseded', 'withdrawn'] as const)
    it(`refuses when it is ${state} already`, () => expect(decided({ ...gate, state }, rule, manager, approve, 500).kind).toBe('refused'));

  it('counts to its quorum, each person once', () => {
    const two = { ...rule, quorum: 2 };
    const first = decided(gate, two, manager, approve, 500);
    expect(first).toMatchObject({ kind: 'counted', missing: 1 });
    const record = first.kind === 'counted' ? first.record : gate;
    expect(reasonOf(record, two, manager, approve, 500)).toContain('already');
    expect(decided(record, two, lead, approve, 500).kind).toBe('approved');
  });

  it('is closed by a rejection, with the reason', () =>
    expect(decided(gate, rule, manager, { ...approve, verb: 'reject', reason: 'not on a Friday' }, 500)).toMatchObject({
      kind: 'rejected',
      record: { state: 'rejected', reason: 'release-manager@example.com: not on a Friday' },
    }));
});

describe('authors', () => {
  it('are found among several', () => expect(isAuthor(author, 'someone@example.com, Developer <developer@example.com>')).toBe(true));
  it('are not found in a part of an address', () => expect(isAuthor(author, 'other-developer@example.com')).toBe(false));
});

describe('the person behind a caller', () => {
  const pipeline = {
    name: 'acme',
    sites: { main: { account: '111111111111', region: 'eu-central-1' } },
    people: { [manager.email]: manager },
  } as unknown as Pipeline;
  const arn = (account: string, role: string, session: string) => `arn:aws:sts::${account}:assumed-role/${role}/${session}`;

  it('is who the session of a people’s role says', () => {
    expect(personBehind(pipeline, arn('111111111111', 'acme-people', manager.email))).toBe(manager);
    expect(personBehind(pipeline, arn('111111111111', 'AWSReservedSSO_Deploy_0123456789abcdef', manager.email))).toBe(manager);
  });
  it('is nobody in another account, another role, or as a user', () => {
    expect(personBehind(pipeline, arn('222222222222', 'acme-people', manager.email))).toBeUndefined();
    expect(personBehind(pipeline, arn('111111111111', 'other-people', manager.email))).toBeUndefined();
    expect(personBehind(pipeline, `arn:aws:iam::111111111111:user/${manager.email}`)).toBeUndefined();
  });
});

describe('the strictest rule', () => {
  it('keeps whom all accept and the shortest time', () =>
    expect(
      strictest([
        { approvers: ['a', 'b'], quorum: 1, notAuthor: false, expiresHours: 168 },
        { approvers: ['b', 'c'], quorum: 2, notAuthor: true, expiresHours: 24 },
      ]),
    ).toEqual({ approvers: ['b'], quorum: 2, notAuthor: true, expiresHours: 24 }));
  it('is absent where nobody asks', () => expect(strictest([])).toBeUndefined());
});
