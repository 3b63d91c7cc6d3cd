import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { developer, integrator, Journey, manager } from './journey.ts';

describe('a pushed image', () => {
  let journey: Journey;
  beforeAll(async () => {
    journey = await Journey.begin();
  });
  afterAll(() => journey.end());

  it('wakes test, moves along the path, asks twice, and runs in live and sandbox', async () => {
    const digest = await journey.push();
    await journey.untilAsked(digest, 'beta');
    expect(await journey.runs('test')).toBe('1.1.0');
    expect(await journey.runs('beta')).toBeUndefined();
    expect(await journey.approve(digest, 'beta', integrator)).toMatchObject({ status: 200 });
    await journey.untilAsked(digest, 'live+sandbox');
    expect(await journey.runs('staging')).toBe('1.1.0');
    expect(await journey.approve(digest, 'live+sandbox', developer)).toMatchObject({
      status: 403,
      message: expect.stringContaining('wrote'),
    });
    expect(await journey.approve(digest, 'live+sandbox', manager)).toMatchObject({ status: 200 });
    await journey.untilState(digest, 'succeeded');
    for (const environment of ['test', 'beta', 'staging', 'live', 'sandbox']) expect(await journey.runs(environment)).toBe('1.1.0');
    expect((await journey.local.request('live', '/health')).status).toBe(200);
  });
});
