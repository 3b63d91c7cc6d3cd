/** ECR: whether an image is there, for which platform, and what its labels say. */
import { DescribeImagesCommand, ECRClient, ImageNotFoundException, paginateDescribeImages } from '@aws-sdk/client-ecr';
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

export const INDEXES = ['application/vnd.oci.image.index.v1+json', 'application/vnd.docker.distribution.manifest.list.v2+json'];
export const MANIFESTS = ['application/vnd.oci.image.manifest.v1+json', 'application/vnd.docker.distribution.manifest.v2+json'];

/** ECR names the media type of an image's configuration as its artefact's; signatures and bills of materials have others. */
const CONFIGS = ['application/vnd.oci.image.config.v1+json', 'application/vnd.docker.container.image.v1+json'];

/** Whether tasks could run it: an image or an index, no referrer and no other artefact. */
export const isRunnable = ({ mediaType, artifactType, subject }: ImageDetail) =>
  (INDEXES.includes(mediaType) || MANIFESTS.includes(mediaType)) &&
  subject === undefined &&
  (artifactType === undefined || CONFIGS.includes(artifactType));

export class Registry {
  protected readonly client: ECRClient;

  constructor(connection: Connection = {}) {
    this.client = new ECRClient(clientSettings(connection));
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
