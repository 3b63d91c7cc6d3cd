import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { REGIONS } from '../../../domain/configuration/regions.ts';

interface Partitions {
  readonly partitionsInfo: { readonly partitions: readonly { readonly id: string; readonly regions: Readonly<Record<string, unknown>> }[] };
}

it('the Regions that check knows are those of the SDK', async () => {
  const folder = dirname(createRequire(import.meta.url).resolve('@aws-sdk/core/package.json'));
  const file = pathToFileURL(join(folder, 'dist-es/submodules/client/util-endpoints/lib/aws/partitions.js'));
  const { partitionsInfo } = (await import(file.href)) as Partitions;
  const own = partitionsInfo.partitions.find(({ id }) => id === 'aws');
  expect(Object.keys(own?.regions ?? {}).filter((name) => name !== 'aws-global')).toEqual(REGIONS);
});
