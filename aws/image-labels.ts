/** What the builder of an image wrote into it. Apart from `ecr.ts`, as few functions need it. */
import { BatchGetImageCommand, GetDownloadUrlForLayerCommand } from '@aws-sdk/client-ecr';
import type { Connection } from './clients.ts';
import { type ImageConfig, INDEXES, MANIFESTS, Registry } from './ecr.ts';

interface Manifest {
  readonly config?: { readonly digest: string };
  readonly manifests?: readonly { readonly digest: string; readonly platform?: { readonly os: string; readonly architecture: string } }[];
}

export class LabelledImages extends Registry {
  private readonly fetch: typeof fetch;

  constructor(connection: Connection = {}, fetcher: typeof fetch = fetch) {
    super(connection);
    this.fetch = fetcher;
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
