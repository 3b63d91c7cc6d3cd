/** A repository and what lies in it: images by digest, tags, blobs. Knows nothing of calls, events and permissions. */
import type { PolicyDocument } from '../../core/service.ts';
import type { Descriptor, Manifest } from './manifest.ts';

export type TagMutability = 'MUTABLE' | 'IMMUTABLE' | 'MUTABLE_WITH_EXCLUSION' | 'IMMUTABLE_WITH_EXCLUSION';

export interface ExclusionFilter {
  readonly filterType: 'WILDCARD';
  readonly filter: string;
}

export interface Scan {
  status: 'IN_PROGRESS' | 'COMPLETE' | 'FAILED';
  description?: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  completedAt?: number;
  counts: Readonly<Record<string, number>>;
}

export interface StoredImage {
  readonly manifest: Manifest;
  /** Milliseconds since the epoch. */
  readonly pushedAt: number;
  readonly tags: Set<string>;
  status: 'ACTIVE' | 'ARCHIVED' | 'ACTIVATING';
  archivedAt?: number;
  activatedAt?: number;
  pulledAt?: number;
  scan?: Scan;
}

export interface RepositorySettings {
  readonly name: string;
  readonly arn: string;
  readonly uri: string;
  readonly createdAt: number;
  mutability: TagMutability;
  exclusions: readonly ExclusionFilter[];
  scanOnPush: boolean;
  readonly encryption: { readonly encryptionType: string; readonly kmsKey?: string };
}

export class Repository {
  readonly settings: RepositorySettings;
  readonly tags = new Map<string, string>();
  /** In the order of their first push. */
  readonly images = new Map<string, StoredImage>();
  readonly blobs = new Map<string, Uint8Array>();
  /** The tags of the AWS resource, which are not image tags. */
  readonly resourceTags = new Map<string, string>();
  /** Its template deletes it with whatever is in it. */
  emptyOnDelete = false;
  policyText?: string;
  lifecycle?: { text: string; evaluatedAt: number };

  constructor(settings: RepositorySettings) {
    this.settings = settings;
  }

  get policy(): PolicyDocument | undefined {
    return this.policyText === undefined ? undefined : (JSON.parse(this.policyText) as PolicyDocument);
  }

  /** By tag or digest. */
  find(reference: string): StoredImage | undefined {
    return this.images.get(reference.startsWith('sha256:') ? reference : (this.tags.get(reference) ?? ''));
  }

  /**
   * Whether a tag, once used, stays where it is.
   * https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-tag-mutability.html
   */
  isImmutable(tag: string): boolean {
    const { mutability, exclusions } = this.settings;
    const excluded = exclusions.some(({ filter }) => wildcard(filter).test(tag));
    switch (mutability) {
      case 'MUTABLE':
        return false;
      case 'IMMUTABLE':
        return true;
      case 'MUTABLE_WITH_EXCLUSION':
        return excluded;
      case 'IMMUTABLE_WITH_EXCLUSION':
        return !excluded;
    }
  }

  /** Puts a tag on an image, taking it from whichever image had it. */
  tag(image: StoredImage, tag: string): void {
    this.untag(tag);
    this.tags.set(tag, image.manifest.digest);
    image.tags.add(tag);
  }

  untag(tag: string): void {
    this.images.get(this.tags.get(tag) ?? '')?.tags.delete(tag);
    this.tags.delete(tag);
  }

  remove(image: StoredImage): void {
    for (const tag of image.tags) this.tags.delete(tag);
    this.images.delete(image.manifest.digest);
  }

  /** The indexes that name an image. */
  indexesOf(digest: string): StoredImage[] {
    return [...this.images.values()].filter(({ manifest }) => manifest.manifests.some((child) => child.digest === digest));
  }

  /** The images, signatures, attestations that name `digest` as their subject. */
  referrersOf(digest: string): StoredImage[] {
    return [...this.images.values()].filter(({ manifest }) => manifest.subject === digest);
  }

  /** Bytes of an image's layers and configuration; of an index, those of its largest manifest, as DescribeImages says. */
  size(image: StoredImage): number {
    const { manifest } = image;
    if (manifest.kind === 'image') return [...manifest.layers, manifest.config!].reduce((sum, layer) => sum + layer.size, 0);
    return Math.max(0, ...manifest.manifests.map(({ digest }) => (this.images.has(digest) ? this.size(this.images.get(digest)!) : 0)));
  }

  /** The image that a Linux host runs: itself, or of an index its linux/amd64 manifest, else the first for any platform. */
  platformImage(image: StoredImage): StoredImage | undefined {
    if (image.manifest.kind === 'image') return image;
    const runnable = image.manifest.manifests.filter((child) => child.platform?.os !== 'unknown' && !isAttestation(child));
    const chosen = runnable.find(({ platform }) => platform?.os === 'linux' && platform.architecture === 'amd64') ?? runnable[0];
    return chosen === undefined ? undefined : this.images.get(chosen.digest);
  }

  /** The configuration of an image, parsed; undefined where it is not JSON. */
  configOf(image: StoredImage): ImageConfig | undefined {
    const blob = this.blobs.get(image.manifest.config?.digest ?? '');
    if (blob === undefined) return undefined;
    try {
      return JSON.parse(new TextDecoder().decode(blob)) as ImageConfig;
    } catch {
      return undefined;
    }
  }
}

/** The parts of an image configuration that matter here. https://github.com/opencontainers/image-spec/blob/main/config.md */
export interface ImageConfig {
  readonly os?: string;
  readonly architecture?: string;
  readonly config?: { readonly Labels?: Readonly<Record<string, string>> | null } | null;
}

const isAttestation = (child: Descriptor) => child.annotations?.['vnd.docker.reference.type'] === 'attestation-manifest';

/** `*` stands for any characters, as in filters and tag patterns. */
export function wildcard(pattern: string): RegExp {
  return new RegExp(`^${pattern.replace(/[\\^$.+?()[\]{}|]/g, '\\$&').replaceAll('*', '.*')}$`);
}
