/** A push by values: what the registry says of it decides, and a second try is the same release. */
import { describe, expect, it } from 'vitest';
import { onImagePush } from '../../functions/on-image-push.ts';
import { digest, pipeline } from '../domain/parts.ts';

const image = {
  digest: digest('a'),
  tags: ['1.0.0', 'latest'],
  status: 'ACTIVE' as const,
  pushedAt: new Date(0),
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
};
const detail = {
  'action-type': 'PUSH',
  result: 'SUCCESS',
  'repository-name': 'gateway',
  'image-digest': digest('a'),
  'image-tag': '1.0.0',
};

async function pushed(change: object = {}, { found = image as object | undefined, known = false, where = {} } = {}) {
  const started: [string, string, unknown][] = [];
  const handle = onImagePush({
    pipeline,
    registry: { image: async () => (found ?? undefined) as never },
    workflows: { start: async (machine: string, name: string, input: unknown) => started.push([machine, name, input]) > 0 && !known },
    releaseMachine: 'release',
  });
  const answer = await handle(
    { source: 'aws.ecr', account: '111111111111', region: 'eu-central-1', detail: { ...detail, ...change }, ...where },
    { now: () => 0, logger: { info() {}, warn() {} }, count() {} } as never,
  );
  return { ...answer, started };
}

describe('a push', () => {
  it('starts its release under a name and an input that depend on nothing but the image', async () => {
    const first = await pushed();
    const other = await pushed({ 'image-tag': '1.0.0', 'manifest-media-type': 'x' }, { known: true });
    expect(first.execution).toBe('gateway-aaaaaaaaaaaa-1');
    expect(other.started).toEqual(first.started);
    expect(other.execution).toBe(first.execution);
  });

  it.each([
    ['of another account', {}, { where: { account: '999999999999' } }, 'is no site'],
    ['of another Region', {}, { where: { region: 'us-east-1' } }, 'is no site'],
    ['that failed', { result: 'FAILURE' }, {}, 'not a successful push'],
    ['that is a deletion', { 'action-type': 'DELETE' }, {}, 'not a successful push'],
    ['of an unknown repository', { 'repository-name': 'payroll' }, {}, 'no repository payroll'],
    ['of a repository named like a member of every object', { 'repository-name': 'constructor' }, {}, 'no repository constructor'],
    ['without a tag', { 'image-tag': undefined }, {}, 'untagged'],
    ['without a digest', { 'image-digest': undefined }, {}, 'untagged'],
    ['with a tag that does not match', { 'image-tag': 'latest' }, {}, 'does not match'],
    ['of an image that is gone', {}, { found: undefined }, 'stale or forged'],
    ['of an image without that tag', { 'image-tag': '2.0.0' }, {}, 'stale or forged'],
    ['of a referrer', {}, { found: { ...image, subject: digest('b') } }, 'no image that could run'],
    ['of a chart', {}, { found: { ...image, artifactType: 'application/vnd.cncf.helm.config.v1+json' } }, 'no image that could run'],
  ])('%s is ignored, with the reason', async (_, change, circumstances, reason) => {
    // A key that is there and undefined stands for none.
    const { ignored, started } = await pushed(
      change,
      'found' in circumstances && circumstances.found === undefined ? { found: null as never } : circumstances,
    );
    expect(started).toEqual([]);
    expect(ignored).toContain(reason);
  });
});
