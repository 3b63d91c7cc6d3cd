/** Builds OCI images as values: configuration, one layer, manifest, and the index with provenance that BuildKit makes. */
import { createHash } from 'node:crypto';
import { type Entry, gzip, tar } from './tar.ts';

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const INDEX = 'application/vnd.oci.image.index.v1+json';
const CONFIG = 'application/vnd.oci.image.config.v1+json';
const LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip';

export interface ImageContent {
  /** What the only layer holds, by path. @default one file that holds the labels */
  readonly files?: Readonly<Record<string, string | Entry>>;
  /** How it runs. @default as its host says */
  readonly run?: { readonly entrypoint: readonly string[]; readonly folder: string };
  readonly labels: Readonly<Record<string, string>>;
  readonly created: Date;
  /** Adds an attestation manifest, and an index over both. @default false */
  readonly provenance?: boolean;
  /** @default linux/amd64 */
  readonly platform?: { readonly os: string; readonly architecture: string };
}

export interface Content {
  readonly digest: string;
  readonly bytes: Uint8Array;
}

export interface BuiltManifest extends Content {
  readonly mediaType: string;
}

/** An image, ready to be pushed in this order: blobs, manifests, and the index if there is one. */
export interface BuiltImage {
  readonly blobs: readonly Content[];
  /** The platform's first. */
  readonly manifests: readonly BuiltManifest[];
  readonly index?: BuiltManifest;
}

const content = (bytes: Uint8Array): Content => ({ digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}`, bytes });
const json = (value: unknown): Content => content(new TextEncoder().encode(JSON.stringify(value)));
const manifest = (mediaType: string, value: object): BuiltManifest => ({ mediaType, ...json({ schemaVersion: 2, mediaType, ...value }) });
const descriptor = (mediaType: string, { digest, bytes }: Content) => ({ mediaType, digest, size: bytes.length });

/** Same input, same digests. */
export function buildImage(image: ImageContent): BuiltImage {
  const { labels, created, platform = { os: 'linux', architecture: 'amd64' } } = image;
  const sorted = Object.fromEntries(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
  const files = image.files ?? { 'app/labels.json': JSON.stringify(sorted) };
  const archive = tar(files, Math.floor(created.getTime() / 1000));
  const layer = content(gzip(archive));
  const config = json({
    created: created.toISOString(),
    architecture: platform.architecture,
    os: platform.os,
    config: {
      Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
      ...(image.run === undefined ? {} : { Entrypoint: image.run.entrypoint, WorkingDir: image.run.folder }),
      Labels: sorted,
    },
    rootfs: { type: 'layers', diff_ids: [content(archive).digest] },
    history: [{ created: created.toISOString(), created_by: 'COPY . /' }],
  });
  const main = manifest(MANIFEST, { config: descriptor(CONFIG, config), layers: [descriptor(LAYER, layer)] });
  if (!image.provenance) return { blobs: [layer, config], manifests: [main] };

  // https://docs.docker.com/build/metadata/attestations/attestation-storage/
  const predicateType = 'https://slsa.dev/provenance/v1';
  const statement = json({
    _type: 'https://in-toto.io/Statement/v0.1',
    predicateType,
    subject: [{ name: '_', digest: { sha256: main.digest.slice('sha256:'.length) } }],
    predicate: {
      buildDefinition: { buildType: 'https://mobyproject.org/buildkit@v1' },
      runDetails: { metadata: { startedOn: created.toISOString() } },
    },
  });
  const unknown = { architecture: 'unknown', os: 'unknown' };
  const attestationConfig = json({ ...unknown, config: {}, rootfs: { type: 'layers', diff_ids: [statement.digest] } });
  const attestation = manifest(MANIFEST, {
    config: descriptor(CONFIG, attestationConfig),
    layers: [{ ...descriptor('application/vnd.in-toto+json', statement), annotations: { 'in-toto.io/predicate-type': predicateType } }],
  });
  const annotations = { 'vnd.docker.reference.digest': main.digest, 'vnd.docker.reference.type': 'attestation-manifest' };
  const index = manifest(INDEX, {
    manifests: [
      { ...descriptor(MANIFEST, main), platform: { architecture: platform.architecture, os: platform.os } },
      { ...descriptor(MANIFEST, attestation), annotations, platform: unknown },
    ],
  });
  return { blobs: [layer, config, statement, attestationConfig], manifests: [main, attestation], index };
}
