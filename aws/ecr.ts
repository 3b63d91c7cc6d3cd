/** ECR: whether an image is there, for which platform, and what its labels say. */
import {
  BatchGetImageCommand,
  DescribeImagesCommand,
  DescribeRepositoriesCommand,
  ECRClient,
  GetDownloadUrlForLayerCommand,
  ImageNotFoundException,
  paginateDescribeImages,
} from '@aws-sdk/client-ecr';
import { type Connection, clientSettings } from './clients.ts';

export interface ImageDetail {
  readonly digest: string;
  readonly tags: readonly string[];
  readonly pushedAt: Date;
  /** Only an active image can be pulled. */
  readonly status: 'ACTIVE' | 'ARCHIVED' | 'ACTIVATING';
  readonly mediaType: string;
  readonly artifactType?: string;
  /** Set for signatures, bills of materials and other referrers. */
  readonly subject?: string;
}

/** What the labels of an image say; strangers write them. */
export interface ImageConfig {
  readonly platform: string;
  readonly labels: Readonly<Record<string, string>>;
}

const INDEXES = ['application/vnd.oci.image.index.v1+json', 'application/vnd.docker.distribution.manifest.list.v2+json'];
const MANIFESTS = ['application/vnd.oci.image.manifest.v1+json', 'application/vnd.docker.distribution.manifest.v2+json'];

/** ECR names the media type of an image's configuration as its artefact's; signatures and bills of materials have others. */
const CONFIGS = ['application/vnd.oci.image.config.v1+json', 'application/vnd.docker.container.image.v1+json'];

/** Whether tasks could run it: an image or an index, no referrer and no other artefact. */
export const isRunnable = ({ mediaType, artifactType, subject }: ImageDetail) =>
  (INDEXES.includes(mediaType) || MANIFESTS.includes(mediaType)) &&
  subject === undefined &&
  (artifactType === undefined || CONFIGS.includes(artifactType));

/** https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeRepositories.html */
const NAMES_PER_CALL = 100;

interface Manifest {
  readonly config?: { readonly digest: string };
  readonly manifests?: readonly { readonly digest: string; readonly platform?: { readonly os: string; readonly architecture: string } }[];
}

export class Registry {
  private readonly client: ECRClient;
  /** URIs by repository. */
  private readonly known = new Map<string, string>();
  private readonly fetch: typeof fetch;

  constructor(connection: Connection = {}, fetcher: typeof fetch = fetch) {
    this.client = new ECRClient(clientSettings(connection));
    this.fetch = fetcher;
  }

  /** By digest (`sha256:…`) or tag, archived ones too. Undefined if there is none. */
  async image(repositoryName: string, reference: string): Promise<ImageDetail | undefined> {
    const imageId = reference.startsWith('sha256:') ? { imageDigest: reference } : { imageTag: reference };
    try {
      const { imageDetails = [] } = await this.client.send(new DescribeImagesCommand({ repositoryName, imageIds: [imageId] }));
      const [detail] = imageDetails;
      return detail ? imageDetail(detail) : undefined;
    } catch (error) {
      if (error instanceof ImageNotFoundException) return undefined;
      throw error;
    }
  }

  /** Every tagged image that can be pulled. */
  async taggedImages(repositoryName: string): Promise<ImageDetail[]> {
    const found: ImageDetail[] = [];
    const pages = paginateDescribeImages({ client: this.client }, { repositoryName, filter: { tagStatus: 'TAGGED' }, maxResults: 1000 });
    for await (const { imageDetails = [] } of pages) found.push(...imageDetails.map(imageDetail));
    return found;
  }

  /**
   * The configuration of the image for `platform`: of the index's manifest for it, or of the image itself.
   * Undefined if the index has none for that platform.
   */
  async config(repositoryName: string, digest: string, platform: string): Promise<ImageConfig | undefined> {
    let manifest = await this.manifest(repositoryName, digest);
    if (manifest.manifests) {
      const entry = manifest.manifests.find(({ platform: p }) => p && `${p.os}/${p.architecture}` === platform);
      if (entry === undefined) return undefined;
      manifest = await this.manifest(repositoryName, entry.digest);
    }
    if (manifest.config === undefined) return undefined;
    const { downloadUrl } = await this.client.send(
      new GetDownloadUrlForLayerCommand({ repositoryName, layerDigest: manifest.config.digest }),
    );
    const response = await this.fetch(downloadUrl ?? '', { signal: AbortSignal.timeout(10_000) });
    if (!response.ok) throw new Error(`the configuration of ${repositoryName}@${digest} could not be read: HTTP ${response.status}`);
    const config = (await response.json()) as { os?: string; architecture?: string; config?: { Labels?: Record<string, string> } };
    return { platform: `${config.os ?? 'linux'}/${config.architecture ?? 'amd64'}`, labels: config.config?.Labels ?? {} };
  }

  /** Repository URIs by name: account, Region and name, which never change, so that each is asked for once. */
  async uris(repositoryNames: readonly string[]): Promise<Record<string, string>> {
    const unknown = repositoryNames.filter((name) => !this.known.has(name));
    for (let start = 0; start < unknown.length; start += NAMES_PER_CALL) {
      const names = unknown.slice(start, start + NAMES_PER_CALL);
      const { repositories = [] } = await this.client.send(new DescribeRepositoriesCommand({ repositoryNames: names }));
      for (const { repositoryName = '', repositoryUri = '' } of repositories) this.known.set(repositoryName, repositoryUri);
    }
    return Object.fromEntries(repositoryNames.flatMap((name) => (this.known.has(name) ? [[name, this.known.get(name)!]] : [])));
  }

  private async manifest(repositoryName: string, imageDigest: string): Promise<Manifest> {
    const { images = [], failures = [] } = await this.client.send(
      new BatchGetImageCommand({ repositoryName, imageIds: [{ imageDigest }], acceptedMediaTypes: [...INDEXES, ...MANIFESTS] }),
    );
    const text = images[0]?.imageManifest;
    if (text === undefined)
      throw new Error(`${repositoryName}@${imageDigest} could not be read: ${failures[0]?.failureReason ?? 'no manifest'}`);
    return JSON.parse(text) as Manifest;
  }
}

function imageDetail(detail: {
  imageDigest?: string | undefined;
  imageTags?: string[] | undefined;
  imagePushedAt?: Date | undefined;
  imageStatus?: ImageDetail['status'] | undefined;
  imageManifestMediaType?: string | undefined;
  artifactMediaType?: string | undefined;
  subjectManifestDigest?: string | undefined;
}): ImageDetail {
  return {
    digest: detail.imageDigest ?? '',
    tags: detail.imageTags ?? [],
    pushedAt: detail.imagePushedAt ?? new Date(0),
    status: detail.imageStatus ?? 'ACTIVE',
    mediaType: detail.imageManifestMediaType ?? '',
    ...(detail.artifactMediaType ? { artifactType: detail.artifactMediaType } : {}),
    ...(detail.subjectManifestDigest ? { subject: detail.subjectManifestDigest } : {}),
  };
}
