/** The operations on images: describing, listing, getting, putting, deleting, archiving. */
import type {
  BatchDeleteImageCommandInput,
  BatchGetImageCommandInput,
  DescribeImagesCommandInput,
  ImageDetail,
  ImageFailure,
  ImageFailureCode,
  ImageIdentifier,
  ListImageReferrersCommandInput,
  ListImagesCommandInput,
  PutImageCommandInput,
  UpdateImageStorageClassCommandInput,
} from '@aws-sdk/client-ecr';
import { type Operation, ServiceError } from '../../core/service.ts';
import { onRepository } from './access.ts';
import type { EcrAccount } from './account.ts';
import { isDigest } from './manifest.ts';
import { page } from './page.ts';
import type { Repository, StoredImage } from './repository.ts';

interface Ids {
  readonly registryId: string;
  readonly repositoryName: string;
}

type Identifier = Pick<ImageIdentifier, 'imageDigest' | 'imageTag'>;

/** The image, or why there is none. */
function identify(
  repository: Repository,
  id: Identifier,
): StoredImage | { readonly failureCode: ImageFailureCode; readonly failureReason: string } {
  const { imageDigest, imageTag } = id;
  if (imageDigest === undefined && imageTag === undefined)
    return { failureCode: 'MissingDigestAndTag', failureReason: 'Invalid request parameters: both tag and digest cannot be null' };
  if (imageDigest !== undefined && !isDigest(imageDigest))
    return {
      failureCode: 'InvalidImageDigest',
      failureReason: "Invalid request parameters: image digest should satisfy the regex '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'",
    };
  const image = repository.find(imageDigest ?? imageTag!);
  if (image === undefined) return { failureCode: 'ImageNotFound', failureReason: 'Requested image not found' };
  if (imageDigest !== undefined && imageTag !== undefined && !image.tags.has(imageTag)) {
    return repository.tags.has(imageTag)
      ? { failureCode: 'ImageTagDoesNotMatchDigest', failureReason: 'The requested image tag does not match the image digest' }
      : { failureCode: 'ImageNotFound', failureReason: 'Requested image not found' };
  }
  return image;
}

const isImage = (found: ReturnType<typeof identify>): found is StoredImage => 'manifest' in found;

/** @throws ServiceError ImageNotFoundException */
export function requireImage(repository: Repository, id: Identifier, ids: Ids): StoredImage {
  const found = identify(repository, id);
  if (isImage(found)) return found;
  if (found.failureCode === 'MissingDigestAndTag' || found.failureCode === 'InvalidImageDigest')
    throw new ServiceError('InvalidParameterException', found.failureReason);
  const named = `{imageDigest:'${id.imageDigest ?? 'null'}', imageTag:'${id.imageTag ?? 'null'}'}`;
  throw new ServiceError(
    'ImageNotFoundException',
    `The image with imageId ${named} does not exist within the repository with name '${ids.repositoryName}' in the registry with id '${ids.registryId}'`,
  );
}

/** Lists without a filter for the status show what is active. */
function listed(
  images: Iterable<StoredImage>,
  filter: { tagStatus?: string | undefined; imageStatus?: string | undefined } = {},
): StoredImage[] {
  const { tagStatus = 'ANY', imageStatus = 'ACTIVE' } = filter;
  return [...images].filter(
    ({ tags, status }) =>
      (imageStatus === 'ANY' || status === imageStatus) && (tagStatus === 'ANY' || (tagStatus === 'TAGGED') === tags.size > 0),
  );
}

function describe(repository: Repository, image: StoredImage, ids: Ids): ImageDetail {
  const { manifest, scan } = image;
  const date = (time: number | undefined) => (time === undefined ? undefined : new Date(time));
  const detail: ImageDetail = {
    ...ids,
    imageDigest: manifest.digest,
    imageTags: image.tags.size === 0 ? undefined : [...image.tags],
    imageSizeInBytes: repository.size(image),
    imagePushedAt: new Date(image.pushedAt),
    imageScanStatus: scan === undefined ? undefined : { status: scan.status, description: scan.description },
    imageScanFindingsSummary:
      scan?.status === 'COMPLETE'
        ? {
            imageScanCompletedAt: date(scan.completedAt),
            vulnerabilitySourceUpdatedAt: date(scan.startedAt),
            findingSeverityCounts: { ...scan.counts },
          }
        : undefined,
    imageManifestMediaType: manifest.mediaType,
    artifactMediaType: manifest.artifactMediaType,
    lastRecordedPullTime: date(image.pulledAt),
    subjectManifestDigest: manifest.subject,
    imageStatus: image.status,
    lastArchivedAt: date(image.archivedAt),
    lastActivatedAt: date(image.activatedAt),
  };
  return Object.fromEntries(Object.entries(detail).filter(([, value]) => value !== undefined)) as ImageDetail;
}

export function imageOperations(ecr: EcrAccount): Readonly<Record<string, Operation>> {
  return {
    DescribeImages: onRepository(ecr, 'DescribeImages', ({ repository, ids }, input: DescribeImagesCommandInput) => {
      if (input.imageIds?.length) {
        if (input.nextToken !== undefined || input.maxResults !== undefined)
          throw new ServiceError('InvalidParameterException', 'Invalid request parameters: imageIds excludes maxResults and nextToken');
        // Images that are named are described whatever their status, unless the filter asks for one.
        const named = new Set(input.imageIds.map((id) => requireImage(repository, id, ids)));
        const images = listed(named, { imageStatus: 'ANY', ...input.filter });
        return { imageDetails: images.map((image) => describe(repository, image, ids)) };
      }
      const images = listed(repository.images.values(), input.filter);
      const { items, nextToken } = page(images, ({ manifest }) => manifest.digest, input.maxResults ?? 100, input.nextToken);
      return { imageDetails: items.map((image) => describe(repository, image, ids)), nextToken };
    }),

    ListImages: onRepository(ecr, 'ListImages', ({ repository }, input: ListImagesCommandInput) => {
      const identifiers = listed(repository.images.values(), input.filter).flatMap(({ manifest, tags }): ImageIdentifier[] =>
        tags.size === 0 ? [{ imageDigest: manifest.digest }] : [...tags].map((imageTag) => ({ imageDigest: manifest.digest, imageTag })),
      );
      const key = ({ imageDigest, imageTag }: ImageIdentifier) => `${imageDigest} ${imageTag ?? ''}`;
      const { items, nextToken } = page(identifiers, key, input.maxResults ?? 100, input.nextToken);
      return { imageIds: items, nextToken };
    }),

    BatchGetImage: onRepository(ecr, 'BatchGetImage', ({ repository, owner, ids }, input: BatchGetImageCommandInput) => {
      const accepted = input.acceptedMediaTypes;
      const images = [];
      const failures: ImageFailure[] = [];
      for (const imageId of input.imageIds ?? []) {
        const found = identify(repository, imageId);
        if (!isImage(found)) failures.push({ imageId, ...found });
        else if (
          found.status !== 'ACTIVE' ||
          !(accepted?.length ? accepted.includes(found.manifest.mediaType) : found.manifest.kind === 'image')
        )
          failures.push({ imageId, failureCode: 'ImageNotFound', failureReason: 'Requested image not found' });
        else {
          const { manifest } = found;
          owner.recordPull(repository, found);
          images.push({
            ...ids,
            imageId: { imageDigest: manifest.digest, ...(imageId.imageTag === undefined ? {} : { imageTag: imageId.imageTag }) },
            imageManifest: manifest.text,
            imageManifestMediaType: manifest.mediaType,
          });
        }
      }
      return { images, failures };
    }),

    PutImage: onRepository(ecr, 'PutImage', ({ repository, owner, ids }, input: PutImageCommandInput) => {
      const tag = input.imageTag;
      if (tag !== undefined && !/^[\w][\w.-]{0,127}$/.test(tag))
        throw new ServiceError(
          'InvalidParameterException',
          `Invalid parameter at 'imageTag' failed to satisfy constraint: '${tag} is no tag'`,
        );
      const { manifest } = owner.put(repository, input.imageManifest!, {
        mediaType: input.imageManifestMediaType,
        tag,
        digest: input.imageDigest,
      });
      return {
        image: {
          ...ids,
          imageId: { imageDigest: manifest.digest, ...(tag === undefined ? {} : { imageTag: tag }) },
          imageManifest: manifest.text,
          imageManifestMediaType: manifest.mediaType,
        },
      };
    }),

    BatchDeleteImage: onRepository(ecr, 'BatchDeleteImage', ({ repository, owner }, input: BatchDeleteImageCommandInput) => {
      const imageIds: ImageIdentifier[] = [];
      const failures: ImageFailure[] = [];
      for (const imageId of input.imageIds ?? []) {
        const found = identify(repository, imageId);
        if (!isImage(found)) {
          failures.push({ imageId, ...found });
          continue;
        }
        const { digest } = found.manifest;
        const whole = imageId.imageTag === undefined || found.tags.size === 1;
        const indexes = repository.indexesOf(digest).map(({ manifest }) => manifest.digest);
        if (whole && indexes.length > 0) {
          failures.push({
            imageId,
            failureCode: 'ImageReferencedByManifestList',
            failureReason: `Requested image referenced by manifest list: [${indexes.join(', ')}]`,
          });
          continue;
        }
        if (imageId.imageTag !== undefined) {
          imageIds.push({ imageDigest: digest, imageTag: imageId.imageTag });
          owner.removeTag(repository, found, imageId.imageTag);
        } else {
          const tags = [...found.tags];
          imageIds.push(...(tags.length === 0 ? [{ imageDigest: digest }] : tags.map((imageTag) => ({ imageDigest: digest, imageTag }))));
          owner.expel(repository, found);
        }
      }
      return { imageIds, failures };
    }),

    // The service authorization reference has no action of this name: the right to read images is what it takes.
    ListImageReferrers: onRepository(ecr, 'BatchGetImage', ({ repository, ids }, input: ListImageReferrersCommandInput) => {
      const digest = input.subjectId?.imageDigest;
      requireImage(repository, { imageDigest: digest }, ids);
      const { artifactTypes, artifactStatus } = input.filter ?? {};
      const referrers = listed(repository.referrersOf(digest!), { imageStatus: artifactStatus }).filter(
        ({ manifest }) => !artifactTypes?.length || artifactTypes.includes(manifest.artifactMediaType ?? ''),
      );
      const { items, nextToken } = page(
        referrers,
        ({ manifest }) => manifest.digest,
        Math.min(input.maxResults ?? 50, 50),
        input.nextToken,
      );
      return {
        referrers: items.map(({ manifest, status }) => ({
          digest: manifest.digest,
          mediaType: manifest.mediaType,
          artifactType: manifest.artifactMediaType,
          size: Buffer.byteLength(manifest.text),
          annotations: manifest.annotations,
          artifactStatus: status,
        })),
        nextToken,
      };
    }),

    UpdateImageStorageClass: onRepository(
      ecr,
      'UpdateImageStorageClass',
      ({ repository, owner, ids }, input: UpdateImageStorageClassCommandInput) => {
        const image = requireImage(repository, input.imageId ?? {}, ids);
        const refuse = (why: string) => new ServiceError('ImageStorageClassUpdateNotSupportedException', why);
        const { digest } = image.manifest;
        if (repository.indexesOf(digest).length > 0)
          throw refuse(`The image '${digest}' is referenced by a manifest list; update the list instead`);
        if (input.targetStorageClass === 'ARCHIVE') {
          if (image.status === 'ACTIVATING') throw refuse(`The image '${digest}' is being restored`);
          if (image.status === 'ACTIVE') owner.archive(repository, image);
        } else if (image.status === 'ARCHIVED') owner.activate(repository, image);
        return { ...ids, imageId: { ...input.imageId, imageDigest: digest }, imageStatus: image.status };
      },
    ),
  };
}
