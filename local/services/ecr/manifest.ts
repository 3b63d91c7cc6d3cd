/** Reads image manifests: Docker schema 2 and OCI, single images, indexes and artifacts. */
import { createHash } from 'node:crypto';
import { ServiceError } from '../../core/service.ts';

export const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
export const OCI_INDEX = 'application/vnd.oci.image.index.v1+json';
export const DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';
export const DOCKER_LIST = 'application/vnd.docker.distribution.manifest.list.v2+json';

/** The media types of manifests that a push may bring. */
export const MANIFEST_TYPES: readonly string[] = [OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_LIST];

/** A pointer from one piece of content to another. https://github.com/opencontainers/image-spec/blob/main/descriptor.md */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly platform?: { readonly architecture?: string; readonly os?: string };
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface Manifest {
  readonly text: string;
  /** `sha256:…` of the text. */
  readonly digest: string;
  readonly mediaType: string;
  readonly kind: 'image' | 'index';
  /** The kind of artifact, else the media type of an image's configuration. */
  readonly artifactMediaType?: string;
  readonly config?: Descriptor;
  readonly layers: readonly Descriptor[];
  /** The manifests that an index names. */
  readonly manifests: readonly Descriptor[];
  /** The digest of the manifest that this one is about: a signature, an attestation. */
  readonly subject?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

const DIGEST = /^sha256:[a-f0-9]{64}$/;

export const isDigest = (text: string): boolean => DIGEST.test(text);

export function digestOf(content: Uint8Array | string): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}

/**
 * @param declared the media type that came beside the manifest; needed where the manifest does not say it itself
 * @throws ServiceError InvalidParameterException
 */
export function parseManifest(text: string, declared?: string): Manifest {
  const invalid = (why: string) =>
    new ServiceError('InvalidParameterException', `Invalid parameter at 'ImageManifest' failed to satisfy constraint: '${why}'`);
  let document: Record<string, unknown>;
  try {
    document = JSON.parse(text);
  } catch {
    throw invalid('Invalid JSON syntax');
  }
  if (typeof document !== 'object' || document === null || Array.isArray(document)) throw invalid('Invalid JSON syntax');
  const own = typeof document.mediaType === 'string' ? document.mediaType : undefined;
  const mediaType = own ?? declared;
  if (mediaType === undefined) throw invalid('Manifest media type is missing: give imageManifestMediaType');
  if (declared !== undefined && declared !== mediaType) throw invalid(`Manifest media type ${mediaType} is not the declared ${declared}`);
  if (!MANIFEST_TYPES.includes(mediaType)) throw invalid(`Unsupported manifest media type ${mediaType}`);
  if (document.schemaVersion !== 2) throw invalid('Manifest schema version must be 2');

  const index = mediaType === OCI_INDEX || mediaType === DOCKER_LIST;
  const descriptor = (value: unknown): Descriptor => {
    const found = value as Partial<Descriptor> | null;
    if (typeof found !== 'object' || found === null || typeof found.mediaType !== 'string' || typeof found.size !== 'number')
      throw invalid('A descriptor needs mediaType, digest and size');
    if (typeof found.digest !== 'string' || !isDigest(found.digest)) throw invalid(`Invalid digest ${found.digest}`);
    return found as Descriptor;
  };
  const list = (value: unknown) => (Array.isArray(value) ? value.map(descriptor) : []);
  const config = index || document.config === undefined ? undefined : descriptor(document.config);
  if (!index && config === undefined) throw invalid('An image manifest needs a config');
  if (index && !Array.isArray(document.manifests)) throw invalid('An index needs manifests');
  return {
    text,
    digest: digestOf(text),
    mediaType,
    kind: index ? 'index' : 'image',
    artifactMediaType: typeof document.artifactType === 'string' ? document.artifactType : config?.mediaType,
    config,
    layers: index ? [] : list(document.layers),
    manifests: index ? list(document.manifests) : [],
    subject: document.subject === undefined ? undefined : descriptor(document.subject).digest,
    annotations: document.annotations as Manifest['annotations'],
  };
}
