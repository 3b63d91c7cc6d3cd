/** What people decide at a gate, and what comes of it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { shortDigest } from '../../domain/release/release.ts';
import { developer, HOUR, integrator, Journey, manager } from './journey.ts';

describe('at a gate', () => {
  let journey: Journey;
  let digest: string;
  beforeAll(async () => {
    journey = await Journey.begin();
    digest = await journey.push();
    await journey.untilAsked(digest, 'beta');
  });
  afterAll(() => journey.end());

  it('a stranger, somebody who is no approver, and a decision about another digest are refused, and the journal says so', async () => {
    expect(await journey.approve(digest, 'beta', 'stranger@example.com')).toMatchObject({
      status: 403,
      message: expect.stringContaining('nobody of this pipeline'),
    });
    expect(await journey.approve(digest, 'beta', manager)).toMatchObject({
      status: 403,
      message: expect.stringContaining('may not decide about beta'),
    });
    const approval = `beta/gateway/${shortDigest(digest)}/1`;
    const other = await journey.local.decideAs(integrator, { verb: 'approve', approval, digest: `sha256:${'0'.repeat(64)}` });
    expect(other).toMatchObject({ status: 403, message: expect.stringContaining('read the request again') });
    await journey.local.advance(2_000);
    expect(journey.told.filter(({ text }) => /^approve .* refused: /.test(text)).length).toBe(3);
    expect(await journey.runs('beta')).toBeUndefined();
  });

  it('what is no decision is refused without a word of what would be', async () => {
    expect(await journey.local.decideAs(integrator, { verb: 'aprove' })).toMatchObject({ status: 400 });
    expect(await journey.local.decideAs(integrator, { verb: 'approve', approval: 'beta/gateway/000000000000/1', digest })).toMatchObject({
      status: 403,
    });
  });

  it('two who approve at once make one transition; the second is told so', async () => {
    const answers = await Promise.all([journey.approve(digest, 'beta', integrator), journey.approve(digest, 'beta', integrator)]);
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 403]);
    expect(answers.find(({ status }) => status === 403)?.message).toContain('already');
    await journey.untilAsked(digest, 'live+sandbox');
    expect(await journey.approve(digest, 'beta', integrator)).toMatchObject({
      status: 403,
      message: expect.stringContaining('already been approved'),
    });
  });

  it('the author of a change does not approve it for live', async () => {
    expect(await journey.approve(digest, 'live+sandbox', developer)).toMatchObject({
      status: 403,
      message: expect.stringContaining('wrote gateway'),
    });
    expect(await journey.approve(digest, 'live+sandbox', manager)).toMatchObject({ status: 200 });
    await journey.untilState(digest, 'succeeded');
  });

  it('a rejection ends the release as refused, with the reason', async () => {
    const next = await journey.push();
    await journey.untilAsked(next, 'beta');
    expect(await journey.reject(next, 'beta', integrator, 'not before the fair')).toMatchObject({ status: 200 });
    expect((await journey.untilState(next, 'refused')).reason).toContain('not before the fair');
    expect(await journey.approve(next, 'beta', integrator)).toMatchObject({
      status: 403,
      message: expect.stringContaining('already been rejected'),
    });
  });

  it('a newer release supersedes one that waits, and its request is dead', async () => {
    const older = await journey.push();
    await journey.untilAsked(older, 'beta');
    const newer = await journey.push();
    expect((await journey.untilState(older, 'superseded')).reason).toContain('which is newer');
    expect(await journey.approve(older, 'beta', integrator)).toMatchObject({ status: 403, message: expect.stringContaining('superseded') });
    expect(await journey.approve(newer, 'beta', integrator)).toMatchObject({ status: 200 });
    await journey.untilAsked(newer, 'live+sandbox');
  });

  it('an unknown author is never somebody else', async () => {
    const anonymous = await journey.local.push({ repository: 'gateway', tag: '1.9.0' });
    await journey.untilAsked(anonymous, 'beta');
    await journey.approve(anonymous, 'beta', integrator);
    await journey.untilAsked(anonymous, 'live+sandbox');
    expect(await journey.approve(anonymous, 'live+sandbox', manager)).toMatchObject({
      status: 403,
      message: expect.stringContaining('nobody knows who wrote'),
    });
  });

  it('a question that nobody answers expires, and a late answer is refused', async () => {
    const asked = await journey.push({ repository: 'catalog', tag: 'build-7' });
    await journey.untilAsked(asked, 'beta', { repository: 'catalog' });
    await journey.stopSchedules();
    await journey.local.advance(121 * HOUR);
    expect(await journey.release(asked, 'catalog')).toMatchObject({ state: 'refused', reason: expect.stringContaining('expired') });
    expect(await journey.approve(asked, 'beta', integrator, 'catalog')).toMatchObject({
      status: 403,
      message: expect.stringContaining('expired'),
    });
  });
});
