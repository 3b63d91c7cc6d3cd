/** What can go wrong on the way, and what must hold then. */
import { afterEach, describe, expect, it } from 'vitest';
import { promotionExecution, releaseExecution } from '../../domain/pipeline/names.ts';
import { HOUR, integrator, Journey, manager } from './journey.ts';

let journey: Journey;
afterEach(() => journey.end());

const self = () => journey.local.site.service('iam').userPrincipal('rehearsal');
const call = <Output>(service: string, operation: string, input: object) =>
  journey.local.site.call<Output>(self(), service, operation, input);
const execution = (workflow: 'release' | 'promotion', name: string) =>
  `${journey.local.machine(workflow).replace(':stateMachine:', ':execution:')}:${name}`;

describe('an image', () => {
  it('that is deleted after its approval is refused before any environment changes', async () => {
    journey = await Journey.begin();
    await journey.runRelease();
    const digest = await journey.push();
    await journey.untilAsked(digest, 'beta');
    await call('ecr', 'BatchDeleteImage', { repositoryName: 'gateway', imageIds: [{ imageDigest: digest }] });
    await journey.approve(digest, 'beta', integrator);
    expect((await journey.untilState(digest, 'refused')).reason).toContain('not in the registry any more');
    expect(await journey.runs('beta')).toBe('1.1.0');
  });

  it('that is archived before its promotion is refused with the way out', async () => {
    journey = await Journey.begin();
    const digest = await journey.push();
    await journey.untilAsked(digest, 'beta');
    await call('ecr', 'UpdateImageStorageClass', {
      repositoryName: 'gateway',
      imageId: { imageDigest: digest },
      targetStorageClass: 'ARCHIVE',
    });
    await journey.approve(digest, 'beta', integrator);
    expect((await journey.untilState(digest, 'refused')).reason).toContain('restore it in ECR');
  });

  it('for another platform is refused at admission', async () => {
    journey = await Journey.begin();
    const digest = await journey.push({ platform: { os: 'linux', architecture: 'arm64' } });
    expect((await journey.untilState(digest, 'refused')).reason).toContain('not built for linux/amd64');
  });
});

describe('an execution that somebody aborts', () => {
  it('while ECS deploys: what ran before is put back, and the next one goes in', async () => {
    journey = await Journey.begin();
    const good = await journey.runRelease();
    const slow = await journey.push({ labels: { 'local.aws.healthy-after': '600' } });
    await journey.local.until('it deploys', async () => (await journey.local.ledger.waits('test')).some(({ state }) => state === 'open'));
    await journey.local.advance(30_000);
    const promotion = promotionExecution('test', releaseExecution('gateway', slow, 1));
    await call('states', 'StopExecution', { executionArn: execution('promotion', promotion) });
    await journey.untilState(slow, 'errored', { limit: HOUR });
    const next = await journey.push();
    await journey.untilAsked(next, 'beta');
    expect(await journey.runs('test')).toBe('1.3.0');
    expect(await journey.local.ledger.waits('test')).toEqual([]);
    expect(good).not.toBe(next);
  });

  it('while people are asked: the question is withdrawn', async () => {
    journey = await Journey.begin();
    const digest = await journey.push();
    await journey.untilAsked(digest, 'beta');
    await call('states', 'StopExecution', { executionArn: execution('release', releaseExecution('gateway', digest, 1)) });
    await journey.untilState(digest, 'errored', { limit: 2 * HOUR });
    expect(await journey.approve(digest, 'beta', integrator)).toMatchObject({ status: 403, message: expect.stringContaining('withdrawn') });
  });
});

describe('the night', () => {
  it('waits for a deployment that is under way, then takes test down; a push after hours waits for the morning', async () => {
    journey = await Journey.begin({ start: Date.parse('2026-11-23T18:50:00Z') });
    const late = await journey.push({ labels: { 'local.aws.healthy-after': '40' } });
    await journey.local.until('it deploys', async () => (await journey.local.ledger.promotions('test'))[0]?.state === 'deploying');
    await journey.local.clock.run({ until: Date.parse('2026-11-23T19:20:00Z') });
    expect(await journey.runs('test')).toBe('1.1.0');
    expect(await journey.local.running('test')).toBeUndefined();
    const night = await journey.push();
    await journey.local.advance(HOUR);
    expect((await journey.release(night))?.waitsFor).toContain('the morning');
    await journey.local.clock.run({ until: Date.parse('2026-11-24T06:30:00Z') });
    expect(await journey.runs('test')).toBe('1.2.0');
    expect(late).not.toBe(night);
  });

  it('with one archived image degrades one service, not the environment', async () => {
    journey = await Journey.begin();
    const gateway = await journey.push();
    const catalog = await journey.push({ repository: 'catalog', tag: 'build-1' });
    await journey.untilAsked(gateway, 'beta');
    await journey.untilAsked(catalog, 'beta', { repository: 'catalog' });
    await journey.local.clock.run({ until: Date.parse('2026-11-23T20:00:00Z') });
    await call('ecr', 'UpdateImageStorageClass', {
      repositoryName: 'catalog',
      imageId: { imageDigest: catalog },
      targetStorageClass: 'ARCHIVE',
    });
    const next = await journey.push();
    await journey.local.clock.run({ until: Date.parse('2026-11-24T08:00:00Z') });
    expect(journey.journal).toMatch(/test is up, degraded: catalog/);
    expect(await journey.runs('test')).toBe('1.3.0');
    expect((await journey.local.running('test'))?.gateway).toBe(1);
    expect(next).not.toBe(gateway);
  });

  it('whose wake dies before it begins: whoever waits is told, and the next push wakes it', async () => {
    journey = await Journey.begin();
    // Every write of the wake fails until somebody aborts it.
    journey.local.world.faults.add({
      kind: 'error-500',
      match: ({ operation, caller }) => operation === 'PutItem' && caller.includes('wake-environment'),
      times: 1000,
    });
    const first = await journey.push();
    const wake = `${journey.local.machine('wake').replace(':stateMachine:', ':execution:')}:test-wake-0`;
    await journey.local.until('the wake is under way', async () => (await journey.local.executions('wake')).includes('test-wake-0'));
    await call('states', 'StopExecution', { executionArn: wake });
    journey.local.world.faults.clear();
    const refused = await journey.untilState(first, 'refused', { limit: HOUR });
    expect(refused.reason).toContain('test could not be woken');
    const next = await journey.push();
    await journey.untilAsked(next, 'beta', { limit: HOUR });
  });
});

describe('a rollback that fails', () => {
  it('freezes the environment until a person thaws it', async () => {
    journey = await Journey.begin();
    await journey.runRelease({ repository: 'catalog', tag: 'build-1' });
    journey.local.world.faults.add({
      kind: 'error-500',
      match: ({ operation, caller }) => operation === 'UpdateService' && caller.includes('deploy'),
      nth: 2,
      times: 200,
    });
    const bad = await journey.push({ repository: 'catalog', tag: 'build-2', labels: { 'local.aws.responses': '{"/catalog/smoke":500}' } });
    const failed = await journey.untilState(bad, 'failed', { repository: 'catalog', limit: 4 * HOUR });
    expect(failed.reason).toContain('needs manual intervention');
    journey.local.world.faults.clear();
    const next = await journey.push({ repository: 'catalog', tag: 'build-3' });
    expect((await journey.untilState(next, 'refused', { repository: 'catalog' })).reason).toContain('test is frozen');
    expect(await journey.local.decideAs(manager, { verb: 'thaw', environment: 'test' })).toMatchObject({ status: 200 });
    const after = await journey.push({ repository: 'catalog', tag: 'build-4' });
    await journey.untilAsked(after, 'beta', { repository: 'catalog', limit: 2 * HOUR });
    expect(await journey.runs('test', 'catalog')).toBe('build-4');
  });
});

describe('events', () => {
  it('that are lost at the end of a deployment are made up for by one check', async () => {
    journey = await Journey.begin();
    journey.local.world.faults.addEvent({
      match: (event) => event['detail-type'] === 'ECS Deployment State Change',
      times: 3,
      deliver: [],
    });
    const digest = await journey.push();
    await journey.untilAsked(digest, 'beta', { limit: HOUR });
    const looks = journey.local.world.meter.calls()['ecs:ListServiceDeployments'] ?? 0;
    expect(looks).toBeLessThanOrEqual(2);
  });
});
