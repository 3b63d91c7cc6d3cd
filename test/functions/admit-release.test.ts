/** What admission makes of the labels of an image, which strangers write. */
import { describe, expect, it } from 'vitest';
import type { Table } from '../../aws/table.ts';
import type { ReleaseRecord } from '../../domain/ledger/records.ts';
import { admitRelease } from '../../functions/admit-release.ts';
import type { Moment } from '../../functions/handler/step.ts';
import { digest, pipeline } from '../domain/parts.ts';

async function admitted(labels: Record<string, string>) {
  const written: ReleaseRecord[] = [];
  const admit = admitRelease({
    pipeline,
    registry: {
      image: async () => ({
        digest: digest('a'),
        tags: ['git_1'],
        pushedAt: new Date(0),
        status: 'ACTIVE',
        mediaType: 'application/vnd.oci.image.manifest.v1+json',
      }),
      config: async () => ({ platform: 'linux/amd64', labels }),
    },
    ledger: {
      release: async () => undefined,
      releaseWrites: (record) => {
        written.push(record);
        return [];
      },
      table: {} as Table,
    },
    journal: { writeWith: async () => true },
  });
  const input = { repository: 'orders', digest: digest('a'), attempt: 1, stages: null, cause: 'push' as const, execution: 'e' };
  const { release } = await admit(input, { now: () => 0 } as Moment);
  expect(written).toMatchObject([release]);
  return release;
}

describe('labels', () => {
  it('say who wrote a change, not who made the image that it is built on', async () => {
    expect(await admitted({ 'org.opencontainers.image.authors': 'NGINX Docker Maintainers <docker-maint@nginx.com>' })).not.toHaveProperty(
      'author',
    );
    expect(await admitted({ 'shiplock.commit.author': 'developer@example.com' })).toMatchObject({ author: 'developer@example.com' });
  });

  it('are cut, as the state of an execution is bounded', async () => {
    const long = 'x'.repeat(300_000);
    const release = await admitted({
      'org.opencontainers.image.revision': long,
      'shiplock.commit.message': long,
      'shiplock.commit.author': long,
    });
    expect(JSON.stringify(release).length).toBeLessThan(1000);
  });

  it('of very many authors leave one that nobody knows', async () => {
    const { author } = await admitted({ 'shiplock.commit.author': `lead@example.com${' '.repeat(200)}, developer@example.com` });
    expect(author).toMatch(/, …$/);
  });
});
