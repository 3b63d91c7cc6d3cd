/** The repositories of one account and Region: what is kept of them, and what other services ask of them. */
import { bound } from '../../core/bound.ts';
import { ServiceError } from '../../core/service.ts';
import type { Site, World } from '../../core/site.ts';
import { evaluateLifecyclePolicy, type LifecycleAction } from './lifecycle.ts';
import { type Manifest, parseManifest } from './manifest.ts';
import { Repository, type RepositorySettings, type StoredImage } from './repository.ts';
import { endScan, scanImage } from './scan.ts';
import { Uploads } from './uploads.ts';

/** "Restored within 20 minutes". https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-archival.html */
const RESTORE = 20 * 60_000;
/** A policy is carried out within 24 hours. https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html */
const LIFECYCLE_INTERVAL = 24 * 3_600_000;

/** An image as a container host sees it. */
export interface PulledImage {
  readonly digest: string;
  readonly status: 'ACTIVE' | 'ARCHIVED';
  /** Labels of the platform image's configuration. */
  readonly labels: Record<string, string>;
}

export class EcrAccount {
  readonly site: Site;
  readonly repositories = new Map<string, Repository>();
  readonly uploads: Uploads;
  readonly random: World['random'];
  /** Hosts that this registry answers beside its own, such as that of a server on this machine: `127.0.0.1:50123`. */
  readonly localHosts = new Set<string>();

  constructor(site: Site) {
    this.site = site;
    this.random = site.world.random.fork(`ecr/${site.account}/${site.region}`);
    this.uploads = new Uploads(this.random);
  }

  /** `<account>.dkr.ecr.<region>.amazonaws.com` */
  get host(): string {
    return `${this.site.account}.dkr.ecr.${this.site.region}.amazonaws.com`;
  }

  get now(): number {
    return this.site.world.clock.now();
  }

  /** The registry that a call means: `registryId` is an account, by default the caller's own. */
  registry(registryId: string | undefined): EcrAccount {
    return registryId === undefined || registryId === this.site.account
      ? this
      : this.site.world.site(registryId, this.site.region).service('ecr');
  }

  arn(repositoryName: string): string {
    return this.site.arn('ecr', `repository/${repositoryName}`);
  }

  /**
   * A repository, after its lifecycle policy has done what fell due since it was last looked at.
   * @throws ServiceError RepositoryNotFoundException
   */
  repository(name: string): Repository {
    const repository = this.repositories.get(name);
    if (repository === undefined)
      throw new ServiceError(
        'RepositoryNotFoundException',
        `The repository with name '${name}' does not exist in the registry with id '${this.site.account}'`,
      );
    const { lifecycle } = repository;
    if (lifecycle !== undefined && this.now - lifecycle.evaluatedAt >= LIFECYCLE_INTERVAL) this.applyLifecycle(repository);
    return repository;
  }

  create(settings: Omit<RepositorySettings, 'arn' | 'uri' | 'createdAt'>): Repository {
    const { name } = settings;
    if (this.repositories.has(name))
      throw new ServiceError(
        'RepositoryAlreadyExistsException',
        `The repository with name '${name}' already exists in the registry with id '${this.site.account}'`,
      );
    const repository = new Repository({ ...settings, arn: this.arn(name), uri: `${this.host}/${name}`, createdAt: this.now });
    this.repositories.set(name, repository);
    return repository;
  }

  /** @throws ServiceError RepositoryNotEmptyException unless `force` is given */
  delete(name: string, force: boolean): Repository {
    const repository = this.repository(name);
    if (repository.images.size > 0 && !force)
      throw new ServiceError(
        'RepositoryNotEmptyException',
        `The repository with name '${name}' in registry with id '${this.site.account}' cannot be deleted because it still contains images`,
      );
    this.repositories.delete(name);
    return repository;
  }

  /** What a host pulls under `reference`, a tag or a digest; undefined where there is no such image. A pull of an archived one fails. */
  image(repositoryName: string, reference: string): PulledImage | undefined {
    if (!this.repositories.has(repositoryName)) return undefined;
    const repository = this.repository(repositoryName);
    const image = repository.find(reference);
    if (image === undefined) return undefined;
    const platform = repository.platformImage(image);
    const labels = platform === undefined ? undefined : repository.configOf(platform)?.config?.Labels;
    return { digest: image.manifest.digest, status: image.status === 'ACTIVE' ? 'ACTIVE' : 'ARCHIVED', labels: { ...labels } };
  }

  /** Records that an image was pulled. */
  recordPull(repository: Repository, image: StoredImage): void {
    image.pulledAt = this.now;
    this.site.world.meter.record('ecr.pull', 1, {
      account: this.site.account,
      region: this.site.region,
      repository: repository.settings.name,
    });
  }

  /** Carries out a repository's lifecycle policy now, as AWS does within a day. */
  applyLifecyclePolicy(repositoryName: string): readonly LifecycleAction[] {
    const repository = this.repositories.get(repositoryName);
    return repository?.lifecycle === undefined ? [] : this.applyLifecycle(repository);
  }

  private applyLifecycle(repository: Repository): readonly LifecycleAction[] {
    const lifecycle = repository.lifecycle!;
    lifecycle.evaluatedAt = this.now;
    const actions = evaluateLifecyclePolicy(lifecycle.text, repository, this.now);
    for (const { image, type } of actions) {
      if (type === 'transition') this.archive(repository, image);
      else this.expel(repository, image);
    }
    return actions;
  }

  /**
   * Stores a manifest, or puts a further tag on one that is there.
   * @throws ServiceError ImageAlreadyExistsException, ImageTagAlreadyExistsException, ImageDigestDoesNotMatchException, LayersNotFoundException, ReferencedImagesNotFoundException
   */
  put(
    repository: Repository,
    text: string,
    options: { readonly mediaType?: string; readonly tag?: string; readonly digest?: string },
  ): StoredImage {
    const { tag } = options;
    const manifest = parseManifest(text, options.mediaType);
    const { digest } = manifest;
    const { name } = repository.settings;
    if (options.digest !== undefined && options.digest !== digest)
      throw new ServiceError(
        'ImageDigestDoesNotMatchException',
        `The specified digest '${options.digest}' does not match the digest of the image '${digest}'`,
      );
    const before = repository.images.get(digest);
    const there = before !== undefined && (tag === undefined || before.tags.has(tag));
    const where = `in the repository with name '${name}' in registry with id '${this.site.account}'`;
    if (there)
      throw new ServiceError(
        'ImageAlreadyExistsException',
        `Image with digest '${digest}' and tag '${tag ?? null}' already exists ${where}`,
      );
    if (tag !== undefined && repository.tags.has(tag) && repository.isImmutable(tag)) throw immutableTag(tag, name);
    this.assertComplete(repository, manifest, where);

    const image: StoredImage = before ?? { manifest, pushedAt: this.now, tags: new Set(), status: 'ACTIVE' };
    repository.images.set(digest, image);
    if (tag !== undefined) repository.tag(image, tag);
    this.site.world.meter.record('ecr.push', 1, { account: this.site.account, region: this.site.region, repository: name });
    this.announce(repository, image, 'PUSH', tag);
    if (before === undefined && repository.settings.scanOnPush && manifest.kind === 'image' && manifest.subject === undefined)
      scanImage(this.site, repository, image);
    return image;
  }

  private assertComplete(repository: Repository, { config, layers, manifests }: Manifest, where: string): void {
    const blobs = config === undefined ? layers : [config, ...layers];
    const lost = blobs.filter(({ digest }) => !repository.blobs.has(digest)).map(({ digest }) => digest);
    if (lost.length > 0)
      throw new ServiceError(
        'LayersNotFoundException',
        `Layers with digests '[${lost.join(', ')}]' required for pushing image ${where} were not found`,
      );
    const unknown = manifests.filter(({ digest }) => !repository.images.has(digest)).map(({ digest }) => digest);
    if (unknown.length > 0)
      throw new ServiceError(
        'ReferencedImagesNotFoundException',
        `Images with digests '[${unknown.join(', ')}]' required for pushing image ${where} do not exist`,
      );
  }

  /** Takes one tag from an image; with its last tag an image goes, as BatchDeleteImage says. */
  removeTag(repository: Repository, image: StoredImage, tag: string): void {
    if (image.tags.size === 1) this.expel(repository, image);
    else {
      repository.untag(tag);
      this.announce(repository, image, 'DELETE', tag);
    }
  }

  /** Deletes an image with all its tags, and what refers to it. */
  expel(repository: Repository, image: StoredImage): void {
    const tags = [...image.tags];
    repository.remove(image);
    for (const tag of tags.length === 0 ? [undefined] : tags) this.announce(repository, image, 'DELETE', tag);
    for (const referrer of repository.referrersOf(image.manifest.digest)) this.expel(repository, referrer);
  }

  /** Sends an image to the archive, with the manifests that only it names. */
  archive(repository: Repository, image: StoredImage): void {
    for (const one of this.together(repository, image)) {
      one.status = 'ARCHIVED';
      one.archivedAt = this.now;
    }
    this.announce(repository, image, 'UPDATE_STORAGE_CLASS', undefined, { 'target-storage-class': 'ARCHIVE' });
  }

  /** Brings an image back from the archive, which takes a while. */
  activate(repository: Repository, image: StoredImage): void {
    const all = this.together(repository, image);
    for (const one of all) one.status = 'ACTIVATING';
    const what = `${repository.settings.name} is restored from the archive`;
    this.site.world.clock.after(RESTORE, what, bound(this, this.restored, repository, image, all));
  }

  private restored(repository: Repository, image: StoredImage, all: readonly StoredImage[]): void {
    if (repository.images.get(image.manifest.digest) !== image || image.status !== 'ACTIVATING') return;
    for (const one of all) {
      one.status = 'ACTIVE';
      one.activatedAt = this.now;
    }
    this.announce(repository, image, 'UPDATE_STORAGE_CLASS', undefined, {
      'target-storage-class': 'STANDARD',
      'last-activated-at': new Date(this.now).toISOString(),
    });
  }

  /** A scan has taken its time. */
  scanned(repository: Repository, image: StoredImage, scan: NonNullable<StoredImage['scan']>): void {
    endScan(this.site, repository, image, scan);
  }

  private together(repository: Repository, image: StoredImage): StoredImage[] {
    const children = image.manifest.manifests.flatMap(({ digest }) => repository.images.get(digest) ?? []);
    return [
      image,
      ...children.filter((child) => child.tags.size === 0 && repository.indexesOf(child.manifest.digest).every((index) => index === image)),
    ];
  }

  /** https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-eventbridge.html */
  private announce(repository: Repository, image: StoredImage, action: string, tag?: string, more: object = {}): void {
    const { manifest } = image;
    this.site.service('events').publish({
      source: 'aws.ecr',
      'detail-type': manifest.subject === undefined ? 'ECR Image Action' : 'ECR Referrer Action',
      resources: [],
      detail: {
        result: 'SUCCESS',
        'repository-name': repository.settings.name,
        'image-digest': manifest.digest,
        'action-type': action,
        ...(tag === undefined ? {} : { 'image-tag': tag }),
        'manifest-media-type': manifest.mediaType,
        ...(manifest.artifactMediaType === undefined ? {} : { 'artifact-media-type': manifest.artifactMediaType }),
        ...more,
      },
    });
  }

  save(): unknown {
    return [...this.repositories.values()].map((repository) => ({
      settings: repository.settings,
      policyText: repository.policyText,
      lifecycle: repository.lifecycle,
      resourceTags: [...repository.resourceTags],
      blobs: [...repository.blobs].map(([digest, content]) => [digest, Buffer.from(content).toString('base64')]),
      images: [...repository.images.values()].map((image) => ({ ...image, tags: [...image.tags] })),
    }));
  }

  load(saved: unknown): void {
    for (const one of saved as SavedRepository[]) {
      const repository = new Repository(one.settings);
      repository.policyText = one.policyText;
      repository.lifecycle = one.lifecycle;
      for (const [key, value] of one.resourceTags) repository.resourceTags.set(key, value);
      for (const [digest, content] of one.blobs) repository.blobs.set(digest, Buffer.from(content, 'base64'));
      for (const image of one.images) {
        // A scan or a restore that was under way when the data was saved has ended since.
        const status = image.status === 'ACTIVATING' ? 'ACTIVE' : image.status;
        const scan = image.scan?.status === 'IN_PROGRESS' ? undefined : image.scan;
        const loaded: StoredImage = { ...image, status, scan, tags: new Set() };
        repository.images.set(image.manifest.digest, loaded);
        for (const tag of image.tags) repository.tag(loaded, tag);
      }
      this.repositories.set(one.settings.name, repository);
    }
  }
}

interface SavedRepository {
  readonly settings: RepositorySettings;
  readonly policyText?: string;
  readonly lifecycle?: { text: string; evaluatedAt: number };
  readonly resourceTags: readonly [string, string][];
  readonly blobs: readonly [string, string][];
  readonly images: readonly (Omit<StoredImage, 'tags'> & { readonly tags: readonly string[] })[];
}

/** What ECR says of a tag that may not move. */
export function immutableTag(tag: string, repositoryName: string): ServiceError {
  return new ServiceError(
    'ImageTagAlreadyExistsException',
    `The image tag '${tag}' already exists in the '${repositoryName}' repository and cannot be overwritten because the tag is immutable.`,
  );
}
