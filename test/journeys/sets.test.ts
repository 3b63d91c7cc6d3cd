/** What one environment runs, promoted into another as one: all of it or nothing. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { shortDigest } from '../../domain/release/release.ts';
import { integrator, Journey, manager } from './journey.ts';

describe('a set of releases', () => {
  let journey: Journey;
  let gateway: string;
  let catalog: string;
  const order = (manifest: Record<string, string>, from = 'test', to = 'beta') =>
    journey.local.decideAs(manager, { verb: 'promote-set', from, to, manifest });
  /** Until the set asks at beta. @returns the approval and its digest */
  const asked = async () => {
    await journey.local.until('the set asks', async () => (await journey.local.ledger.gate('beta', '+test'))?.state === 'waiting');
    const { approval, release } = (await journey.local.ledger.gate('beta', '+test'))!;
    return { approval, digest: release.digest };
  };
  const ended = (digest: string, attempt: number) =>
    journey.local.until('the set has ended', async () => {
      const release = await journey.local.ledger.release('+test', digest);
      return release?.attempt === attempt && release.state !== 'in-progress';
    });

  beforeAll(async () => {
    journey = await Journey.begin();
    gateway = await journey.push();
    catalog = await journey.push({ repository: 'catalog', tag: 'build-1' });
    await journey.untilAsked(gateway, 'beta');
    await journey.untilAsked(catalog, 'beta', { repository: 'catalog' });
  });
  afterAll(() => journey.end());

  it('is what the caller saw, verified, and goes up the path, or is refused', async () => {
    expect(await order({ gateway: catalog })).toMatchObject({ status: 403, message: expect.stringContaining('run the command again') });
    expect(await order({ orders: catalog })).toMatchObject({ status: 403, message: expect.stringContaining('runs nothing of orders') });
    expect(await order({})).toMatchObject({ status: 403, message: expect.stringContaining('nothing of test') });
    expect(await order({ gateway }, 'beta', 'test')).toMatchObject({
      status: 403,
      message: expect.stringContaining('does not come before'),
    });
    expect(await order({ gateway }, 'test', 'staging')).toMatchObject({
      status: 403,
      message: expect.stringContaining('gateway 1.1.0 has not succeeded in beta, the stage before staging'),
    });
    expect(await order({ gateway }, 'tset')).toMatchObject({ status: 403, message: expect.stringContaining('no environment tset') });
  });

  it('of which one fails leaves none behind', async () => {
    expect(await order({ gateway, catalog })).toMatchObject({ status: 200 });
    const { approval, digest } = await asked();
    expect(await journey.local.decideAs(integrator, { verb: 'approve', approval, digest })).toMatchObject({ status: 200 });
    const { local } = journey;
    await local.until('both deploy', async () => (await local.running('beta'))?.['catalog-web'] !== undefined);
    await local.site.call(local.site.service('iam').userPrincipal('rehearsal'), 'ecs', 'DeleteService', {
      cluster: 'acme-beta',
      service: 'catalog-web',
      force: true,
    });
    await ended(digest, 1);
    const release = await local.ledger.release('+test', digest);
    expect(release).toMatchObject({ state: 'failed' });
    expect(await local.ledger.manifest('beta')).toEqual([]);
    await local.advance(120_000);
    expect(await local.running('beta')).toEqual({});
  });

  it('goes in as one promotion after one approval, and each of them runs', async () => {
    const answer = await order({ gateway, catalog });
    expect(answer).toMatchObject({ status: 200, message: expect.stringContaining('as one set') });
    const { approval, digest } = await asked();
    expect(approval).toBe(`beta/+test/${shortDigest(digest)}/2`);
    await journey.local.decideAs(integrator, { verb: 'approve', approval, digest });
    await ended(digest, 2);
    expect(await journey.local.ledger.release('+test', digest)).toMatchObject({ state: 'succeeded', tag: '2 of test' });
    expect((await journey.local.ledger.manifest('beta')).map(({ tag }) => tag).toSorted()).toEqual(['1.1.0', 'build-1']);
    const [promotion] = await journey.local.ledger.promotions('beta', 1);
    expect(promotion).toMatchObject({
      state: 'succeeded',
      group: '*',
      release: { members: [{ repository: 'catalog' }, { repository: 'gateway' }] },
    });
    for (const path of ['/catalog/x', '/x']) expect((await journey.local.request('beta', path)).status).toBe(200);
  });

  it('keeps nobody out when it is done', async () => {
    const next = await journey.push();
    await journey.untilAsked(next, 'beta');
    expect(await journey.approve(next, 'beta', integrator)).toMatchObject({ status: 200 });
    await journey.untilAsked(next, 'live+sandbox');
    expect(await journey.runs('beta')).toBe('1.3.0');
  });
});
