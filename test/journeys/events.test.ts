/** Events are hints: forged, foreign, failed, doubled, late or out of order, they start what the registry confirms, and that once. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { shortDigest } from '../../domain/release/release.ts';
import { HOUR, Journey, MINUTE } from './journey.ts';

const DAY = 24 * HOUR;

describe('an event of a push', () => {
  let journey: Journey;
  let digest: string;
  beforeAll(async () => {
    journey = await Journey.begin({ port: false });
    await journey.stopSchedules();
    // Its own event is lost: all that follow are about an image that is really there.
    journey.local.world.faults.addEvent({ match: { source: 'aws.ecr' }, deliver: [] });
    digest = await journey.push({ tag: '1.0.0' });
    await journey.local.advance(MINUTE);
  });
  afterAll(() => journey.end());

  interface Forged {
    readonly account?: string;
    readonly region?: string;
    readonly source?: string;
    readonly type?: string;
    readonly detail?: Readonly<Record<string, unknown>>;
  }
  const put = ({ account = journey.local.site.account, region = journey.local.site.region, ...forged }: Forged = {}) => {
    const { source = 'aws.ecr', type = 'ECR Image Action', detail = {} } = forged;
    journey.local.site
      .service('events')
      .bus()
      .put({
        version: '0',
        id: `forged-${journey.local.clock.now()}`,
        'detail-type': type,
        source,
        account,
        region,
        time: new Date(journey.local.clock.now()).toISOString(),
        resources: [],
        detail: {
          'action-type': 'PUSH',
          result: 'SUCCESS',
          'repository-name': 'gateway',
          'image-digest': digest,
          'image-tag': '1.0.0',
          ...detail,
        },
      });
  };
  const releases = () => journey.local.executions('release');

  it.each<Forged & { readonly what: string }>([
    { what: 'of another account', account: '999999999999' },
    { what: 'of another Region', region: 'us-east-1' },
    { what: 'of another source', source: 'acme.ecr' },
    { what: 'of another type', type: 'ECR Image Scan' },
    { what: 'of an unknown repository', detail: { 'repository-name': 'payroll' } },
    { what: 'of a repository with a longer name', detail: { 'repository-name': 'gateway-private' } },
    { what: 'without a repository', detail: { 'repository-name': undefined } },
    { what: 'that failed', detail: { result: 'FAILURE' } },
    { what: 'of an image that was deleted', detail: { 'action-type': 'DELETE' } },
    { what: 'of an image that is no text', detail: { 'image-digest': 7 } },
    { what: 'without a digest', detail: { 'image-digest': undefined } },
    { what: 'without a tag', detail: { 'image-tag': undefined } },
    { what: 'with an empty tag', detail: { 'image-tag': '' } },
    { what: 'with a tag that does not match', detail: { 'image-tag': 'latest' } },
    { what: 'with a tag that the image does not have', detail: { 'image-tag': '9.9.9' } },
    { what: 'about an image that is not there', detail: { 'image-digest': `sha256:${'a'.repeat(64)}` } },
    { what: 'about a digest that is none', detail: { 'image-digest': '../../1.0.0' } },
    { what: 'that is a retag of another repository’s image', detail: { 'repository-name': 'catalog' } },
    { what: 'with a tag that is a list', detail: { 'image-tag': ['1.0.0'] } },
    {
      what: 'with nothing in it',
      detail: { 'action-type': undefined, result: undefined, 'image-digest': undefined, 'image-tag': undefined },
    },
  ])('$what starts nothing', async ({ what, ...forged }) => {
    put(forged);
    await journey.local.advance(10_000);
    expect(await releases(), what).toEqual([]);
  });

  it('of a referrer, tagged as a release would be, starts nothing', async () => {
    const { images = [] } = await journey.call<{ images?: { imageManifest: string }[] }>('ecr', 'BatchGetImage', {
      repositoryName: 'gateway',
      imageIds: [{ imageDigest: digest }],
    });
    const manifest = JSON.parse(images[0]?.imageManifest ?? '') as { mediaType: string };
    const { mediaType } = manifest;
    for (const [tag, more] of [
      ['1.0.1', { subject: { mediaType, digest, size: images[0]?.imageManifest.length } }],
      ['1.0.2', { artifactType: 'application/vnd.example.signature' }],
    ] as const)
      await journey.call('ecr', 'PutImage', {
        repositoryName: 'gateway',
        imageManifest: JSON.stringify({ ...manifest, ...more }),
        imageManifestMediaType: mediaType,
        imageTag: tag,
      });
    await journey.local.advance(10_000);
    expect(await releases()).toEqual([]);
  });

  it('that is true starts its release, once, whether it comes five times at once or again after 89 days', async () => {
    for (let count = 0; count < 5; count++) put();
    await journey.untilAsked(digest, 'beta');
    for (const days of [1, 30, 58]) {
      await journey.local.advance(days * DAY);
      put();
      await journey.local.advance(MINUTE);
    }
    expect(await releases()).toEqual([`gateway-${shortDigest(digest)}-1`]);
    expect((await journey.release(digest))?.state).toBe('refused');
    expect(journey.told.filter(({ text }) => text.includes('admitted')).length).toBe(1);
  });
});

describe('events', () => {
  let journey: Journey;
  beforeAll(async () => {
    journey = await Journey.begin({ port: false });
  });
  afterAll(() => journey.end());

  it('of the older push that come after those of the newer: the newer is what stays', async () => {
    journey.local.world.faults.addEvent({ match: { source: 'aws.ecr' }, deliver: [3 * MINUTE] });
    const older = await journey.push();
    const newer = await journey.push();
    await journey.untilAsked(newer, 'beta');
    await journey.untilState(older, 'superseded');
    expect(await journey.runs('test')).toBe('1.2.0');
    expect((await journey.local.ledger.gate('beta', 'gateway'))?.release.digest).toBe(newer);
  });

  it('of a deployment, in whatever order and however often they come, end its wait once', async () => {
    const seconds = [0, 20, 40].map((one) => one * 1000);
    const orders = seconds.flatMap((a) => seconds.flatMap((b) => (a === b ? [] : [[a, b, seconds.find((c) => c !== a && c !== b)!]])));
    expect(orders.length).toBe(6);
    for (const delays of orders) {
      journey.local.world.faults.clear();
      delays.forEach((delay, index) => {
        journey.local.world.faults.addEvent({
          match: { 'detail-type': 'ECS Deployment State Change' },
          nth: index + 1,
          deliver: [delay, delay + 1_000],
        });
      });
      const digest = await journey.push();
      await journey.untilAsked(digest, 'beta', { limit: 20 * MINUTE });
      await journey.local.advance(MINUTE);
      expect(await journey.local.ledger.waits('test'), delays.join()).toEqual([]);
      const deployed = journey.told.filter((entry) => entry.digest === digest && entry.text.includes('runs in test'));
      expect(deployed.length, delays.join()).toBe(1);
    }
  });
});
