/** Layers on their way in, in parts, and on their way out, through signed addresses of a bucket. */
import { createHmac } from 'node:crypto';
import type {
  BatchCheckLayerAvailabilityCommandInput,
  CompleteLayerUploadCommandInput,
  GetDownloadUrlForLayerCommandInput,
  InitiateLayerUploadCommandInput,
  LayerFailure,
  UploadLayerPartCommandInput,
} from '@aws-sdk/client-ecr';
import { type HttpRequest, type HttpResponse, textResponse } from '../../core/http.ts';
import { type Operation, ServiceError } from '../../core/service.ts';
import type { World } from '../../core/site.ts';
import { onRepository } from './access.ts';
import type { EcrAccount } from './account.ts';
import { digestOf, isDigest } from './manifest.ts';

/** What InitiateLayerUpload asks for, in bytes. */
export const PART_SIZE = 10 * 1024 * 1024;
/** Every part but the last. https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_UploadLayerPart.html */
const SMALLEST_PART = 5 * 1024 * 1024;
/** Seconds that a download address is good for. */
const DOWNLOAD_TIME = 3600;

/** The bucket that serves layers in a Region. */
export const layerHost = (region: string): string => `prod-${region}-starport-layer-bucket.s3.${region}.amazonaws.com`;

function sign(world: World, path: string, expires: number): string {
  return createHmac('sha256', world.random.fork('ecr-layer-addresses').hex(32)).update(`${path} ${expires}`).digest('hex');
}

/** Answers the bucket's host. */
export function serveLayers(world: World, { method, host, path, query }: HttpRequest): HttpResponse {
  if (method !== 'GET' && method !== 'HEAD')
    return textResponse(405, '<Error><Code>MethodNotAllowed</Code></Error>', { 'content-type': 'application/xml' });
  const parameters = new URLSearchParams(query);
  const expires = Number(parameters.get('expires'));
  const good = parameters.get('signature') === sign(world, path, expires);
  if (!good || expires < world.clock.now() / 1000) {
    const code = good ? '<Code>AccessDenied</Code><Message>Request has expired</Message>' : '<Code>SignatureDoesNotMatch</Code>';
    return textResponse(403, `<Error>${code}</Error>`, { 'content-type': 'application/xml' });
  }
  const [, account, region, digest, ...name] = path.split('/').map(decodeURIComponent);
  const content = world.site(account!, region!).service('ecr').repositories.get(name.join('/'))?.blobs.get(digest!);
  if (content === undefined || !host.includes(region!))
    return textResponse(404, '<Error><Code>NoSuchKey</Code></Error>', { 'content-type': 'application/xml' });
  const headers = { 'content-type': 'application/octet-stream', 'content-length': String(content.length) };
  return { status: 200, headers, body: method === 'HEAD' ? new Uint8Array() : content };
}

/** Parts as one: without a copy where they are cut from one piece, as those of a layer that came at once are. */
function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [first] = parts as readonly [Uint8Array];
  let end = first.byteOffset;
  const isWhole = parts.every((part) => {
    const follows = part.buffer === first.buffer && part.byteOffset === end;
    end += part.byteLength;
    return follows;
  });
  return isWhole ? new Uint8Array(first.buffer, first.byteOffset, end - first.byteOffset) : Buffer.concat(parts);
}

export function layerOperations(ecr: EcrAccount): Readonly<Record<string, Operation>> {
  return {
    BatchCheckLayerAvailability: onRepository(
      ecr,
      'BatchCheckLayerAvailability',
      ({ repository }, input: BatchCheckLayerAvailabilityCommandInput) => {
        const layers = [];
        const failures: LayerFailure[] = [];
        for (const layerDigest of input.layerDigests ?? []) {
          const content = repository.blobs.get(layerDigest);
          if (!isDigest(layerDigest))
            failures.push({ layerDigest, failureCode: 'InvalidLayerDigest', failureReason: 'Invalid layer digest' });
          else if (content === undefined) layers.push({ layerDigest, layerAvailability: 'UNAVAILABLE' });
          else layers.push({ layerDigest, layerAvailability: 'AVAILABLE', layerSize: content.length });
        }
        return { layers, failures };
      },
    ),

    GetDownloadUrlForLayer: onRepository(
      ecr,
      'GetDownloadUrlForLayer',
      ({ repository, owner, ids }, input: GetDownloadUrlForLayerCommandInput) => {
        const layerDigest = input.layerDigest!;
        if (!repository.blobs.has(layerDigest))
          throw new ServiceError(
            'LayersNotFoundException',
            `Layers with digests '[${layerDigest}]' do not exist in the repository with name '${ids.repositoryName}' in registry with id '${ids.registryId}'`,
          );
        const { world, account, region } = owner.site;
        const path = `/${[account, region, layerDigest, ...repository.settings.name.split('/')].map(encodeURIComponent).join('/')}`;
        const expires = Math.floor(owner.now / 1000) + DOWNLOAD_TIME;
        return {
          downloadUrl: `https://${layerHost(region)}${path}?expires=${expires}&signature=${sign(world, path, expires)}`,
          layerDigest,
        };
      },
    ),

    InitiateLayerUpload: onRepository(ecr, 'InitiateLayerUpload', ({ repository, owner }, _input: InitiateLayerUploadCommandInput) => ({
      uploadId: owner.uploads.begin(repository),
      partSize: PART_SIZE,
    })),

    UploadLayerPart: onRepository(ecr, 'UploadLayerPart', ({ repository, owner, ids }, input: UploadLayerPartCommandInput) => {
      const upload = owner.uploads.get(input.uploadId!, repository);
      const part = input.layerPartBlob!;
      const last = upload.parts.at(-1);
      if (last !== undefined && last.length < SMALLEST_PART)
        throw new ServiceError('LayerPartTooSmallException', `Layer parts must be at least ${SMALLEST_PART} bytes in size`);
      if (input.partFirstByte !== upload.size || input.partLastByte !== upload.size + part.length - 1)
        throw new ServiceError(
          'InvalidLayerPartException',
          'The layer part size is not valid, or the first byte specified is not consecutive to the last byte of a previous layer part upload.',
          400,
          { ...ids, uploadId: input.uploadId, lastValidByteReceived: upload.size - 1 },
        );
      upload.parts.push(part);
      upload.size += part.length;
      return { ...ids, uploadId: input.uploadId, lastByteReceived: upload.size - 1 };
    }),

    CompleteLayerUpload: onRepository(ecr, 'CompleteLayerUpload', ({ repository, owner, ids }, input: CompleteLayerUploadCommandInput) => {
      const upload = owner.uploads.get(input.uploadId!, repository);
      if (upload.parts.length === 0)
        throw new ServiceError('EmptyUploadException', 'The specified layer upload does not contain any layer parts.');
      const content = joined(upload.parts);
      const layerDigest = digestOf(content);
      if (!input.layerDigests?.includes(layerDigest))
        throw new ServiceError(
          'InvalidLayerException',
          `The layer digest calculation performed by Amazon ECR upon receipt of the image layer does not match the digest specified: ${layerDigest}`,
        );
      owner.uploads.end(input.uploadId!);
      if (repository.blobs.has(layerDigest))
        throw new ServiceError(
          'LayerAlreadyExistsException',
          `The layer with digest '${layerDigest}' already exists in the repository with name '${ids.repositoryName}' in registry with id '${ids.registryId}'`,
        );
      repository.blobs.set(layerDigest, content);
      return { ...ids, uploadId: input.uploadId, layerDigest };
    }),
  };
}
