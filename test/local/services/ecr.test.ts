import {
  BatchDeleteImageCommand,
  BatchGetImageCommand,
  CompleteLayerUploadCommand,
  CreateRepositoryCommand,
  DeleteRepositoryCommand,
  DescribeImageScanFindingsCommand,
  DescribeImagesCommand,
  DescribeRepositoriesCommand,
  ECRClient,
  GetAuthorizationTokenCommand,
  GetDownloadUrlForLayerCommand,
  GetLifecyclePolicyCommand,
  GetRepositoryPolicyCommand,
  InitiateLayerUploadCommand,
  ListImageReferrersCommand,
  ListImagesCommand,
  PutImageCommand,
  PutImageTagMutabilityCommand,
  PutLifecyclePolicyCommand,
  SetRepositoryPolicyCommand,
  StartImageScanCommand,
  UpdateImageStorageClassCommand,
  UploadLayerPartCommand,
} from '@aws-sdk/client-ecr';
import { beforeEach, describe, expect, it } from 'vitest';
import { clientConfig } from '../../../local/core/client.ts';
import { VirtualClock } from '../../../local/core/clock.ts';
import { identities } from '../../../local/core/iam/identities.ts';
import type { PolicyDocument, Service } from '../../../local/core/service.ts';
import { World } from '../../../local/core/world.ts';
import { buildImage } from '../../../local/registry/image.ts';
import { type Push, pushImage, throughInnerDoor } from '../../../local/registry/push.ts';
import { Ecr } from '../../../local/services/ecr/index.ts';
import { digestOf, OCI_INDEX, OCI_MANIFEST } from '../../../local/services/ecr/manifest.ts';
import { allows } from './double.ts';

const account = '111122223333';
const region = 'eu-central-1';
const start = Date.parse('2026-11-23T08:00:00Z');
const host = `${account}.dkr.ecr.${region}.amazonaws.com`;
const minutes = 60_000;
const days = 24 * 60 * minutes;

interface Event {
  readonly 'detail-type': string;
  readonly source: string;
  readonly resources?: readonly string[];
  readonly detail: Record<string, unknown>;
}

/** A bus that only remembers. */
class Bus implements Service {
  readonly operations = {};
  readonly events: Event[] = [];

  publish(event: Event): void {
    this.events.push(event);
  }
}

let clock: VirtualClock;
let world: World;
let bus: Bus;
let ecr: ECRClient;

beforeEach(async () => {
  clock = new VirtualClock(start);
  bus = new Bus();
  world = new World(clock, { ecr: (site) => new Ecr(site), events: () => bus }, 7);
  ecr = clientOf('builder', allows('ecr:*'));
  await ecr.send(new CreateRepositoryCommand({ repositoryName: 'orders' }));
});

function clientOf(name: string, policy: PolicyDocument, inAccount = account): ECRClient {
  return new ECRClient(clientConfig(world, { region, credentials: identities(world, inAccount).user(name, { policy }) }));
}

async function push(options: Partial<Push> & { tag?: string } = {}) {
  const { authorizationData } = await ecr.send(new GetAuthorizationTokenCommand({}));
  const [user = '', password = ''] = Buffer.from(authorizationData![0]!.authorizationToken!, 'base64').toString().split(':');
  const image = { repository: 'orders', labels: {}, created: new Date(start), ...options };
  return pushImage({ url: `https://${host}`, credentials: { user, password }, send: throughInnerDoor(world), ...image });
}

const repositoryName = 'orders';
const describeOne = async (imageTag: string) =>
  (await ecr.send(new DescribeImagesCommand({ repositoryName, imageIds: [{ imageTag }] }))).imageDetails![0]!;
const actions = () => bus.events.filter((event) => event['detail-type'] === 'ECR Image Action').map(({ detail }) => detail);

describe('repositories', () => {
  it('have the address of the account and Region, and exist once', async () => {
    const { repositories } = await ecr.send(new DescribeRepositoriesCommand({ repositoryNames: ['orders'] }));
    expect(repositories![0]).toEqual({
      repositoryArn: `arn:aws:ecr:${region}:${account}:repository/orders`,
      registryId: account,
      repositoryName: 'orders',
      repositoryUri: `${host}/orders`,
      createdAt: new Date(start),
      imageTagMutability: 'MUTABLE',
      imageScanningConfiguration: { scanOnPush: false },
      encryptionConfiguration: { encryptionType: 'AES256' },
    });
    await expect(ecr.send(new CreateRepositoryCommand({ repositoryName: 'orders' }))).rejects.toMatchObject({
      name: 'RepositoryAlreadyExistsException',
      message: `The repository with name 'orders' already exists in the registry with id '${account}'`,
    });
  });

  it('are listed in pages', async () => {
    for (const name of ['a/one', 'a/two']) await ecr.send(new CreateRepositoryCommand({ repositoryName: name }));
    const first = await ecr.send(new DescribeRepositoriesCommand({ maxResults: 2 }));
    const second = await ecr.send(new DescribeRepositoriesCommand({ maxResults: 2, nextToken: first.nextToken }));
    expect([...first.repositories!, ...second.repositories!].map((one) => one.repositoryName)).toEqual(['a/one', 'a/two', 'orders']);
    expect(second.nextToken).toBeUndefined();
  });

  it('are not deleted with images in them unless forced', async () => {
    await push({ tag: 'v1' });
    await expect(ecr.send(new DeleteRepositoryCommand({ repositoryName }))).rejects.toMatchObject({ name: 'RepositoryNotEmptyException' });
    await ecr.send(new DeleteRepositoryCommand({ repositoryName, force: true }));
    await expect(ecr.send(new DescribeImagesCommand({ repositoryName }))).rejects.toMatchObject({
      name: 'RepositoryNotFoundException',
      message: `The repository with name 'orders' does not exist in the registry with id '${account}'`,
    });
  });

  it('are closed to whom no policy lets in, and the message names action and repository', async () => {
    const stranger = clientOf('reader', allows('ecr:DescribeImages', `arn:aws:ecr:${region}:${account}:repository/payments`));
    await expect(stranger.send(new DescribeImagesCommand({ repositoryName }))).rejects.toThrow(
      `not authorized to perform: ecr:DescribeImages on resource: arn:aws:ecr:${region}:${account}:repository/orders`,
    );
  });

  it('open to another account only where their policy and its policy both say so', async () => {
    await push({ tag: 'v1' });
    const other = clientOf('deployer', allows('ecr:DescribeImages'), '444455556666');
    const ask = () => other.send(new DescribeImagesCommand({ registryId: account, repositoryName }));
    await expect(ask()).rejects.toMatchObject({ name: 'AccessDeniedException' });
    const policyText = JSON.stringify({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Principal: { AWS: 'arn:aws:iam::444455556666:root' }, Action: 'ecr:DescribeImages' }],
    });
    await expect(ecr.send(new GetRepositoryPolicyCommand({ repositoryName }))).rejects.toMatchObject({
      name: 'RepositoryPolicyNotFoundException',
    });
    await ecr.send(new SetRepositoryPolicyCommand({ repositoryName, policyText }));
    expect((await ask()).imageDetails).toHaveLength(1);
  });
});

describe('a push', () => {
  it('of one image emits one event in the documented shape', async () => {
    const { digest } = await push({ tag: 'git_cf7edb2', labels: { 'org.opencontainers.image.revision': 'cf7edb2' } });
    expect(bus.events).toEqual([
      {
        source: 'aws.ecr',
        'detail-type': 'ECR Image Action',
        resources: [],
        detail: {
          result: 'SUCCESS',
          'repository-name': 'orders',
          'image-digest': digest,
          'action-type': 'PUSH',
          'image-tag': 'git_cf7edb2',
          'manifest-media-type': OCI_MANIFEST,
          'artifact-media-type': 'application/vnd.oci.image.config.v1+json',
        },
      },
    ]);
  });

  it('with provenance emits untagged events for the manifests and a tagged one for the index', async () => {
    const { digest, indexDigest } = await push({ tag: 'v1', provenance: true });
    expect(actions().map((detail) => [detail['image-tag'], detail['manifest-media-type']])).toEqual([
      [undefined, OCI_MANIFEST],
      [undefined, OCI_MANIFEST],
      ['v1', OCI_INDEX],
    ]);
    expect(actions().every((detail) => detail['image-tag'] !== undefined || !('image-tag' in detail))).toBe(true);
    expect(actions()[0]!['image-digest']).toBe(digest);
    expect(actions()[2]!['image-digest']).toBe(indexDigest);
    const detail = await describeOne('v1');
    expect(detail).toMatchObject({
      imageDigest: indexDigest,
      imageTags: ['v1'],
      imageManifestMediaType: OCI_INDEX,
      imageStatus: 'ACTIVE',
      imagePushedAt: new Date(start),
    });
    expect(detail.artifactMediaType).toBeUndefined();
    expect(detail.imageSizeInBytes).toBeGreaterThan(1000);
  });

  it('of the same image and tag again changes nothing; a further tag is a push event', async () => {
    const { digest } = await push({ tag: 'v1' });
    await push({ tag: 'v1' });
    expect(actions()).toHaveLength(1);
    await push({ tag: 'latest' });
    expect(actions()).toHaveLength(2);
    expect(actions()[1]).toMatchObject({ 'action-type': 'PUSH', 'image-digest': digest, 'image-tag': 'latest' });
    expect((await describeOne('v1')).imageTags).toEqual(['v1', 'latest']);
  });

  it('moves a tag, and leaves the older image without', async () => {
    const older = await push({ tag: 'latest', labels: { build: '1' } });
    const newer = await push({ tag: 'latest', labels: { build: '2' } });
    expect((await describeOne('latest')).imageDigest).toBe(newer.digest);
    const untagged = await ecr.send(new DescribeImagesCommand({ repositoryName, filter: { tagStatus: 'UNTAGGED' } }));
    expect(untagged.imageDetails!.map((image) => image.imageDigest)).toEqual([older.digest]);
  });

  it('is refused while layers or the manifests of an index are missing', async () => {
    const { manifests, index } = buildImage({ labels: {}, created: new Date(start), provenance: true });
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    await expect(ecr.send(new PutImageCommand({ repositoryName, imageManifest: text(manifests[0]!.bytes) }))).rejects.toMatchObject({
      name: 'LayersNotFoundException',
    });
    await expect(ecr.send(new PutImageCommand({ repositoryName, imageManifest: text(index!.bytes) }))).rejects.toMatchObject({
      name: 'ReferencedImagesNotFoundException',
    });
    expect(bus.events).toEqual([]);
  });

  it('of a manifest that exists, by PutImage, is refused or puts a tag on', async () => {
    const { digest } = await push({ tag: 'v1' });
    const { images } = await ecr.send(new BatchGetImageCommand({ repositoryName, imageIds: [{ imageDigest: digest }] }));
    const imageManifest = images![0]!.imageManifest!;
    await expect(ecr.send(new PutImageCommand({ repositoryName, imageManifest, imageTag: 'v1' }))).rejects.toMatchObject({
      name: 'ImageAlreadyExistsException',
    });
    await ecr.send(new PutImageCommand({ repositoryName, imageManifest, imageTag: 'v1.0' }));
    expect((await describeOne('v1.0')).imageDigest).toBe(digest);
    await expect(
      ecr.send(new PutImageCommand({ repositoryName, imageManifest, imageDigest: digestOf('other'), imageTag: 'v2' })),
    ).rejects.toMatchObject({ name: 'ImageDigestDoesNotMatchException' });
  });

  it('needs the permissions of the documented policy, each of them', async () => {
    const needed = ['BatchCheckLayerAvailability', 'InitiateLayerUpload', 'UploadLayerPart', 'CompleteLayerUpload', 'PutImage'];
    for (const missing of needed) {
      const granted = ['GetAuthorizationToken', ...needed.filter((name) => name !== missing)].map((name) => `ecr:${name}`);
      ecr = clientOf(`without-${missing}`, allows(granted));
      await expect(push({ tag: 'v1', labels: { missing } })).rejects.toMatchObject({ status: 403 });
    }
    expect(bus.events).toEqual([]);
  });
});

describe('tag mutability', () => {
  const filters = [{ filterType: 'WILDCARD' as const, filter: 'dev-*' }];

  it.each([
    ['MUTABLE', undefined, { v1: true, 'dev-1': true }],
    ['IMMUTABLE', undefined, { v1: false, 'dev-1': false }],
    ['IMMUTABLE_WITH_EXCLUSION', filters, { v1: false, 'dev-1': true }],
    ['MUTABLE_WITH_EXCLUSION', filters, { v1: true, 'dev-1': false }],
  ] as const)('%s lets a tag move or not', async (imageTagMutability, imageTagMutabilityExclusionFilters, moves) => {
    await ecr.send(
      new PutImageTagMutabilityCommand({
        repositoryName,
        imageTagMutability,
        imageTagMutabilityExclusionFilters: imageTagMutabilityExclusionFilters && [...imageTagMutabilityExclusionFilters],
      }),
    );
    for (const [tag, may] of Object.entries(moves)) {
      await push({ tag, labels: { build: '1' } });
      const again = push({ tag, labels: { build: '2' } });
      if (may) await again;
      else
        await expect(again).rejects.toMatchObject({
          status: 400,
          code: 'TAG_INVALID',
          message: `push of orders:${tag}: TAG_INVALID: The image tag '${tag}' already exists in the 'orders' repository and cannot be overwritten because the tag is immutable.`,
        });
    }
  });

  it('refuses filters without a mode that excludes', async () => {
    const put = new PutImageTagMutabilityCommand({
      repositoryName,
      imageTagMutability: 'IMMUTABLE',
      imageTagMutabilityExclusionFilters: filters,
    });
    await expect(ecr.send(put)).rejects.toMatchObject({ name: 'InvalidParameterException' });
  });
});

describe('reading images', () => {
  it('gives an index only to whom accepts it', async () => {
    const { digest, indexDigest } = await push({ tag: 'v1', provenance: true });
    const imageIds = [{ imageTag: 'v1' }, { imageDigest: digest }];
    const plain = await ecr.send(new BatchGetImageCommand({ repositoryName, imageIds }));
    expect(plain.images!.map(({ imageId }) => imageId!.imageDigest)).toEqual([digest]);
    expect(plain.failures).toEqual([
      { imageId: { imageTag: 'v1' }, failureCode: 'ImageNotFound', failureReason: 'Requested image not found' },
    ]);
    const accepting = await ecr.send(new BatchGetImageCommand({ repositoryName, imageIds, acceptedMediaTypes: [OCI_INDEX, OCI_MANIFEST] }));
    expect(accepting.images!.map(({ imageId }) => imageId!.imageDigest)).toEqual([indexDigest, digest]);
  });

  it('says by code why an image is not given', async () => {
    await push({ tag: 'v1', labels: { build: '1' } });
    const { digest } = await push({ tag: 'v2', labels: { build: '2' } });
    const imageIds = [{ imageTag: 'v3' }, { imageDigest: digest, imageTag: 'v1' }, { imageDigest: 'v1' }, {}];
    const { failures } = await ecr.send(new BatchGetImageCommand({ repositoryName, imageIds }));
    expect(failures!.map(({ failureCode }) => failureCode)).toEqual([
      'ImageNotFound',
      'ImageTagDoesNotMatchDigest',
      'InvalidImageDigest',
      'MissingDigestAndTag',
    ]);
    await expect(describeOne('v3')).rejects.toMatchObject({
      name: 'ImageNotFoundException',
      message: `The image with imageId {imageDigest:'null', imageTag:'v3'} does not exist within the repository with name 'orders' in the registry with id '${account}'`,
    });
  });

  it('leads from a tag to the labels over the download address, as the documentation shows', async () => {
    const { digest } = await push({ tag: 'v1', labels: { 'org.opencontainers.image.revision': 'cf7edb2' } });
    const { images } = await ecr.send(new BatchGetImageCommand({ repositoryName, imageIds: [{ imageDigest: digest }] }));
    const layerDigest = JSON.parse(images![0]!.imageManifest!).config.digest;
    const { downloadUrl } = await ecr.send(new GetDownloadUrlForLayerCommand({ repositoryName, layerDigest }));
    const url = new URL(downloadUrl!);
    expect(url.protocol).toBe('https:');
    const get = (query = url.search.slice(1)) =>
      world.http({ method: 'GET', host: url.host, path: url.pathname, query, headers: {}, body: new Uint8Array() });
    const { status, body } = await get();
    expect(status).toBe(200);
    expect(digestOf(body)).toBe(layerDigest);
    expect(JSON.parse(new TextDecoder().decode(body)).config.Labels).toEqual({ 'org.opencontainers.image.revision': 'cf7edb2' });
    expect((await get(`expires=${start}&signature=00`)).status).toBe(403);
    await clock.run({ until: start + 61 * minutes });
    expect((await get()).status).toBe(403);
  });

  it('lists images and tags in pages, however the list changes', async () => {
    for (let build = 1; build <= 5; build++) await push({ tag: `v${build}`, labels: { build: String(build) } });
    const first = await ecr.send(new DescribeImagesCommand({ repositoryName, maxResults: 2 }));
    await push({ tag: 'v6', labels: { build: '6' } });
    const second = await ecr.send(new DescribeImagesCommand({ repositoryName, maxResults: 10, nextToken: first.nextToken }));
    expect([...first.imageDetails!, ...second.imageDetails!].flatMap((image) => image.imageTags!)).toEqual([
      'v1',
      'v2',
      'v3',
      'v4',
      'v5',
      'v6',
    ]);
    const { imageIds } = await ecr.send(new ListImagesCommand({ repositoryName, filter: { tagStatus: 'TAGGED' } }));
    expect(imageIds!.map(({ imageTag }) => imageTag)).toEqual(['v1', 'v2', 'v3', 'v4', 'v5', 'v6']);
  });

  it('lists what refers to an image, and keeps it out of the image events', async () => {
    const { digest } = await push({ tag: 'v1' });
    const config = '{}';
    await upload(config);
    const imageManifest = JSON.stringify({
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      artifactType: 'application/vnd.example.sbom',
      config: { mediaType: 'application/vnd.oci.empty.v1+json', digest: digestOf(config), size: 2 },
      layers: [],
      subject: { mediaType: OCI_MANIFEST, digest, size: 1 },
    });
    await ecr.send(new PutImageCommand({ repositoryName, imageManifest }));
    const { referrers } = await ecr.send(new ListImageReferrersCommand({ repositoryName, subjectId: { imageDigest: digest } }));
    expect(referrers).toEqual([
      {
        digest: digestOf(imageManifest),
        mediaType: OCI_MANIFEST,
        artifactType: 'application/vnd.example.sbom',
        size: imageManifest.length,
        artifactStatus: 'ACTIVE',
      },
    ]);
    expect(bus.events.map((event) => event['detail-type'])).toEqual(['ECR Image Action', 'ECR Referrer Action']);
    const none = await ecr.send(
      new ListImageReferrersCommand({
        repositoryName,
        subjectId: { imageDigest: digest },
        filter: { artifactTypes: ['application/other'] },
      }),
    );
    expect(none.referrers).toEqual([]);
  });
});

async function upload(content: string): Promise<void> {
  const layerPartBlob = new TextEncoder().encode(content);
  const { uploadId } = await ecr.send(new InitiateLayerUploadCommand({ repositoryName }));
  await ecr.send(
    new UploadLayerPartCommand({ repositoryName, uploadId, partFirstByte: 0, partLastByte: content.length - 1, layerPartBlob }),
  );
  await ecr.send(new CompleteLayerUploadCommand({ repositoryName, uploadId, layerDigests: [digestOf(content)] }));
}

describe('uploading layers by the API', () => {
  it('refuses gaps, small parts in the middle and a wrong digest', async () => {
    const { uploadId } = await ecr.send(new InitiateLayerUploadCommand({ repositoryName }));
    const part = (partFirstByte: number, size: number) =>
      ecr.send(
        new UploadLayerPartCommand({
          repositoryName,
          uploadId,
          partFirstByte,
          partLastByte: partFirstByte + size - 1,
          layerPartBlob: new Uint8Array(size),
        }),
      );
    const complete = (digest: string) => ecr.send(new CompleteLayerUploadCommand({ repositoryName, uploadId, layerDigests: [digest] }));
    await expect(complete(digestOf(''))).rejects.toMatchObject({ name: 'EmptyUploadException' });
    await part(0, 100);
    await expect(part(100, 100)).rejects.toMatchObject({ name: 'LayerPartTooSmallException' });
    await expect(complete(digestOf('x'))).rejects.toMatchObject({ name: 'InvalidLayerException' });
    expect((await complete(digestOf(new Uint8Array(100)))).layerDigest).toBe(digestOf(new Uint8Array(100)));
    await expect(complete(digestOf(new Uint8Array(100)))).rejects.toMatchObject({ name: 'UploadNotFoundException' });
  });
});

describe('deleting images', () => {
  it('takes a tag, and with the last tag the image', async () => {
    const { digest } = await push({ tag: 'v1' });
    await push({ tag: 'latest' });
    const remove = (imageTag: string) => ecr.send(new BatchDeleteImageCommand({ repositoryName, imageIds: [{ imageTag }] }));
    expect((await remove('latest')).imageIds).toEqual([{ imageDigest: digest, imageTag: 'latest' }]);
    expect((await describeOne('v1')).imageTags).toEqual(['v1']);
    await remove('v1');
    expect((await ecr.send(new DescribeImagesCommand({ repositoryName }))).imageDetails).toEqual([]);
    expect(
      actions()
        .filter((detail) => detail['action-type'] === 'DELETE')
        .map((detail) => detail['image-tag']),
    ).toEqual(['latest', 'v1']);
    expect((await remove('v1')).failures).toMatchObject([{ failureCode: 'ImageNotFound' }]);
  });

  it('keeps what an index names until the index is gone', async () => {
    const { digest, indexDigest } = await push({ tag: 'v1', provenance: true });
    const imageIds = [{ imageDigest: digest }];
    const { failures } = await ecr.send(new BatchDeleteImageCommand({ repositoryName, imageIds }));
    expect(failures).toEqual([
      {
        imageId: imageIds[0],
        failureCode: 'ImageReferencedByManifestList',
        failureReason: `Requested image referenced by manifest list: [${indexDigest}]`,
      },
    ]);
    await ecr.send(new BatchDeleteImageCommand({ repositoryName, imageIds: [{ imageDigest: indexDigest }] }));
    expect((await ecr.send(new BatchDeleteImageCommand({ repositoryName, imageIds }))).failures).toEqual([]);
  });
});

describe('the archive', () => {
  it('hides an image from lists and pulls until it is restored', async () => {
    const { digest, indexDigest } = await push({ tag: 'v1', provenance: true });
    const move = (targetStorageClass: 'ARCHIVE' | 'STANDARD') =>
      ecr.send(new UpdateImageStorageClassCommand({ repositoryName, imageId: { imageTag: 'v1' }, targetStorageClass }));
    const typed = () => world.site(account, region).service('ecr').image('orders', indexDigest!);
    expect((await move('ARCHIVE')).imageStatus).toBe('ARCHIVED');
    expect((await ecr.send(new DescribeImagesCommand({ repositoryName }))).imageDetails).toEqual([]);
    const archived = await ecr.send(new DescribeImagesCommand({ repositoryName, filter: { imageStatus: 'ARCHIVED' } }));
    expect(archived.imageDetails!.map((image) => image.imageDigest)).toContain(digest);
    expect((await describeOne('v1')).imageStatus).toBe('ARCHIVED');
    expect(typed()?.status).toBe('ARCHIVED');
    const got = await ecr.send(
      new BatchGetImageCommand({ repositoryName, imageIds: [{ imageTag: 'v1' }], acceptedMediaTypes: [OCI_INDEX] }),
    );
    expect(got.failures).toMatchObject([{ failureCode: 'ImageNotFound' }]);
    expect(actions().at(-1)).toMatchObject({
      'action-type': 'UPDATE_STORAGE_CLASS',
      'target-storage-class': 'ARCHIVE',
      'image-digest': indexDigest,
    });

    expect((await move('STANDARD')).imageStatus).toBe('ACTIVATING');
    expect(typed()?.status).toBe('ARCHIVED');
    await clock.run();
    expect(clock.now()).toBe(start + 20 * minutes);
    expect((await describeOne('v1')).imageStatus).toBe('ACTIVE');
    expect(typed()?.status).toBe('ACTIVE');
    expect(actions().at(-1)).toMatchObject({
      'action-type': 'UPDATE_STORAGE_CLASS',
      'target-storage-class': 'STANDARD',
      'last-activated-at': '2026-11-23T08:20:00.000Z',
    });
  });
});

describe('what a container host pulls', () => {
  it('has the labels of the platform image, also behind an index', async () => {
    const labels = { 'local.aws.exit-code': '1' };
    const plain = await push({ tag: 'plain', labels });
    const index = await push({ tag: 'index', labels, provenance: true });
    const ecr = world.site(account, region).service('ecr');
    expect(ecr.image('orders', 'plain')).toEqual({ digest: plain.digest, status: 'ACTIVE', labels });
    expect(ecr.image('orders', index.indexDigest!)).toEqual({ digest: index.indexDigest, status: 'ACTIVE', labels });
    expect(ecr.image('orders', 'none')).toBeUndefined();
    expect(ecr.image('none', 'plain')).toBeUndefined();
  });
});

describe('scanning', () => {
  const findings = (imageDigest: string) => ecr.send(new DescribeImageScanFindingsCommand({ repositoryName, imageId: { imageDigest } }));

  it('on push ends some seconds later with the findings that the image declares', async () => {
    await ecr.send(new CreateRepositoryCommand({ repositoryName: 'scanned', imageScanningConfiguration: { scanOnPush: true } }));
    const { digest } = await push({
      repository: 'scanned',
      tag: 'v1',
      labels: { 'local.aws.findings': '{"CRITICAL":1,"LOW":2,"HIGH":0}' },
    });
    const ask = () => ecr.send(new DescribeImageScanFindingsCommand({ repositoryName: 'scanned', imageId: { imageTag: 'v1' } }));
    expect((await ask()).imageScanStatus?.status).toBe('IN_PROGRESS');
    await clock.run();
    expect(clock.now()).toBe(start + 10_000);
    const answer = await ask();
    expect(answer.imageScanStatus?.status).toBe('COMPLETE');
    expect(answer.imageScanFindings?.findingSeverityCounts).toEqual({ CRITICAL: 1, LOW: 2 });
    expect(answer.imageScanFindings?.findings?.map(({ severity }) => severity)).toEqual(['CRITICAL', 'LOW', 'LOW']);
    expect(bus.events.at(-1)).toEqual({
      source: 'aws.ecr',
      'detail-type': 'ECR Image Scan',
      resources: [`arn:aws:ecr:${region}:${account}:repository/scanned`],
      detail: {
        'scan-status': 'COMPLETE',
        'repository-name': 'scanned',
        'finding-severity-counts': { CRITICAL: 1, LOW: 2 },
        'image-digest': digest,
        'image-tags': ['v1'],
      },
    });
  });

  it('when asked knows neither indexes nor attestations, and one scan a day', async () => {
    const { digest, indexDigest } = await push({ tag: 'v1', provenance: true });
    const scan = (imageDigest: string) => ecr.send(new StartImageScanCommand({ repositoryName, imageId: { imageDigest } }));
    await expect(findings(digest)).rejects.toMatchObject({ name: 'ScanNotFoundException' });
    await expect(scan(indexDigest!)).rejects.toMatchObject({ name: 'UnsupportedImageTypeException' });
    await scan(digest);
    await clock.run();
    expect((await findings(digest)).imageScanFindings?.findingSeverityCounts).toEqual({});
    await expect(scan(digest)).rejects.toMatchObject({ name: 'LimitExceededException' });
    const attestation = actions()[1]!['image-digest'] as string;
    await scan(attestation);
    await clock.run();
    expect((await findings(attestation)).imageScanStatus?.status).toBe('FAILED');
  });
});

describe('lifecycle policies', () => {
  const put = (...rules: object[]) =>
    ecr.send(
      new PutLifecyclePolicyCommand({
        repositoryName,
        lifecyclePolicyText: JSON.stringify({
          rules: rules.map((rule, index) => ({ rulePriority: index + 1, action: { type: 'expire' }, ...rule })),
        }),
      }),
    );
  const apply = () => world.site(account, region).service('ecr').applyLifecyclePolicy('orders');
  const tags = async () => (await ecr.send(new ListImagesCommand({ repositoryName }))).imageIds!.map(({ imageTag }) => imageTag);
  const pushDaily = async (...names: string[]) => {
    for (const tag of names) {
      await push({ tag, labels: { tag } });
      await clock.run({ until: clock.now() + days });
    }
  };

  it('keep the newest of a count, of the tags that a pattern names', async () => {
    await pushDaily('git_1', 'git_2', 'release', 'git_3');
    await put({ selection: { tagStatus: 'tagged', tagPatternList: ['git_*'], countType: 'imageCountMoreThan', countNumber: 2 } });
    expect(apply().map(({ rulePriority }) => rulePriority)).toEqual([1]);
    expect(await tags()).toEqual(['git_2', 'release', 'git_3']);
    expect(actions().at(-1)).toMatchObject({ 'action-type': 'DELETE', 'image-tag': 'git_1' });
  });

  it('leave to a later rule only what no earlier rule names', async () => {
    await pushDaily('release-1', 'git_1', 'git_2');
    await put(
      { selection: { tagStatus: 'tagged', tagPrefixList: ['release'], countType: 'imageCountMoreThan', countNumber: 5 } },
      { selection: { tagStatus: 'any', countType: 'imageCountMoreThan', countNumber: 1 } },
    );
    apply();
    expect(await tags()).toEqual(['release-1', 'git_2']);
  });

  it('expire what is untagged after days, but not what an index names', async () => {
    await push({ tag: 'v1', provenance: true });
    await push({ tag: 'moved', labels: { build: '1' } });
    await push({ tag: 'moved', labels: { build: '2' } });
    await put({ selection: { tagStatus: 'untagged', countType: 'sinceImagePushed', countUnit: 'days', countNumber: 1 } });
    expect(apply()).toEqual([]);
    await clock.run({ until: start + 2 * days });
    expect((await ecr.send(new DescribeImagesCommand({ repositoryName }))).imageDetails).toHaveLength(4);
  });

  it('run by themselves a day later without keeping the clock busy', async () => {
    await push({ tag: 'old' });
    await put({ selection: { tagStatus: 'any', countType: 'sinceImagePushed', countUnit: 'days', countNumber: 1 } });
    await clock.run();
    expect(clock.now()).toBe(start);
    await clock.run({ until: start + 25 * 60 * minutes });
    expect(await tags()).toEqual([]);
    const { lastEvaluatedAt } = await ecr.send(new GetLifecyclePolicyCommand({ repositoryName }));
    expect(lastEvaluatedAt).toEqual(new Date(start + 25 * 60 * minutes));
  });

  it('archive instead of expiring where they say so', async () => {
    await push({ tag: 'old' });
    await put({
      selection: { tagStatus: 'any', countType: 'sinceImagePulled', countUnit: 'days', countNumber: 90 },
      action: { type: 'transition', targetStorageClass: 'archive' },
    });
    await clock.run({ until: start + 91 * days });
    expect((await describeOne('old')).imageStatus).toBe('ARCHIVED');
  });

  it.each([
    [
      { selection: { tagStatus: 'tagged', countType: 'imageCountMoreThan', countNumber: 1 } },
      'tagged needs tagPatternList or tagPrefixList',
    ],
    [{ selection: { tagStatus: 'any', countType: 'sinceImagePushed', countNumber: 1 } }, 'countUnit'],
    [{ selection: { tagStatus: 'any', countType: 'imageCountMoreThan', countNumber: 0 } }, 'countNumber'],
    [{ selection: { tagStatus: 'any', countType: 'sometimes', countNumber: 1 } }, 'unknown countType sometimes'],
  ])('are refused when wrong: %o', async (rule, why) => {
    await expect(put(rule)).rejects.toThrow(why);
    await expect(ecr.send(new GetLifecyclePolicyCommand({ repositoryName }))).rejects.toMatchObject({
      name: 'LifecyclePolicyNotFoundException',
    });
  });
});

describe('AWS::ECR::Repository', () => {
  const type = () => world.site(account, region).service('ecr').resources['AWS::ECR::Repository']!;
  const context = () => ({
    site: world.site(account, region),
    stackName: 'Stack',
    logicalId: 'Images',
    generatedName: 'Stack-Images-1A2B',
    asset: () => '',
  });

  it('creates, updates in place and deletes', async () => {
    const created = await type().create(
      {
        LifecyclePolicy: {
          LifecyclePolicyText:
            '{"rules":[{"rulePriority":1,"selection":{"tagStatus":"any","countType":"imageCountMoreThan","countNumber":5},"action":{"type":"expire"}}]}',
        },
      },
      context(),
    );
    expect(created).toEqual({
      ref: 'stack-images-1a2b',
      attributes: { Arn: `arn:aws:ecr:${region}:${account}:repository/stack-images-1a2b`, RepositoryUri: `${host}/stack-images-1a2b` },
    });
    const update = {
      ImageTagMutability: 'IMMUTABLE_WITH_EXCLUSION',
      ImageTagMutabilityExclusionFilters: [
        { ImageTagMutabilityExclusionFilterType: 'WILDCARD', ImageTagMutabilityExclusionFilterValue: 'dev-*' },
      ],
      ImageScanningConfiguration: { ScanOnPush: true },
      EmptyOnDelete: true,
    };
    await type().update!(update, created, context());
    const { repositories } = await ecr.send(new DescribeRepositoriesCommand({ repositoryNames: [created.ref] }));
    expect(repositories![0]).toMatchObject({
      imageTagMutability: 'IMMUTABLE_WITH_EXCLUSION',
      imageTagMutabilityExclusionFilters: [{ filterType: 'WILDCARD', filter: 'dev-*' }],
      imageScanningConfiguration: { scanOnPush: true },
    });
    await push({ repository: created.ref, tag: 'v1' });
    await type().delete!(created, context());
    await expect(ecr.send(new DescribeRepositoriesCommand({ repositoryNames: [created.ref] }))).rejects.toMatchObject({
      name: 'RepositoryNotFoundException',
    });
  });

  it('with images in it is deleted only if it says EmptyOnDelete', async () => {
    const created = await type().create({ RepositoryName: 'kept' }, context());
    await push({ repository: 'kept', tag: 'v1' });
    expect(() => type().delete!(created, context())).toThrow('cannot be deleted because it still contains images');
  });
});

it('what was saved is there again after loading', async () => {
  const { indexDigest } = await push({ tag: 'v1', provenance: true, labels: { build: '1' } });
  const saved = JSON.parse(JSON.stringify(world.site(account, region).service('ecr').save()));
  const before = await describeOne('v1');
  world = new World(clock, { ecr: (site) => new Ecr(site), events: () => bus }, 7);
  world.site(account, region).service('ecr').load(saved);
  ecr = clientOf('builder', allows('ecr:*'));
  expect(await describeOne('v1')).toEqual(before);
  expect(world.site(account, region).service('ecr').image('orders', indexDigest!)?.labels).toEqual({ build: '1' });
});
