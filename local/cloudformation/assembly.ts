/** A CDK cloud assembly on disk: its stacks in order, with account, Region, template and assets. */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Template } from './template.ts';

/** One stack of an assembly. */
export interface StackArtifact {
  readonly name: string;
  readonly account: string;
  readonly region: string;
  readonly template: Template;
  /** Values of template parameters that the assembly carries. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** Absolute paths of the files and folders of its assets, by `bucket/key`. */
  readonly assets: ReadonlyMap<string, string>;
}

interface Manifest {
  readonly artifacts?: Readonly<Record<string, ManifestArtifact>>;
}

interface ManifestArtifact {
  readonly type: string;
  readonly environment?: string;
  readonly dependencies?: readonly string[];
  readonly displayName?: string;
  readonly properties?: {
    readonly templateFile?: string;
    readonly stackName?: string;
    readonly file?: string;
    readonly directoryName?: string;
    readonly parameters?: Readonly<Record<string, unknown>>;
  };
}

interface AssetManifest {
  readonly files?: Readonly<
    Record<
      string,
      {
        readonly source: { readonly path?: string };
        readonly destinations: Readonly<Record<string, { readonly bucketName: string; readonly objectKey: string }>>;
      }
    >
  >;
}

/**
 * The stacks of an assembly folder, each after those it depends on.
 * @throws Error if the folder holds no assembly, or a stack says neither account nor Region
 */
export function readAssembly(folder: string): StackArtifact[] {
  const path = resolve(folder, 'manifest.json');
  if (!existsSync(path)) throw new Error(`${folder} holds no cloud assembly: there is no manifest.json. Synthesise it first`);
  const { artifacts = {} } = readJson<Manifest>(path);
  const found: StackArtifact[] = [];
  for (const [id, artifact] of Object.entries(artifacts))
    if (artifact.type === 'cdk:cloud-assembly') found.push(...readAssembly(resolve(folder, artifact.properties?.directoryName ?? id)));
  for (const id of inOrder(artifacts)) found.push(readStack(folder, id, artifacts));
  return found;
}

function readStack(folder: string, id: string, artifacts: Readonly<Record<string, ManifestArtifact>>): StackArtifact {
  const artifact = artifacts[id]!;
  const place = /^aws:\/\/(\d{12})\/([a-z0-9-]+)$/.exec(artifact.environment ?? '');
  if (place === null)
    throw new Error(
      `stack ${id}: local AWS needs to know its account and Region, the assembly says ${artifact.environment ?? 'nothing'}. Give the stack an env`,
    );
  const [, account = '', region = ''] = place;
  const properties = artifact.properties ?? {};
  const assets = new Map<string, string>();
  for (const dependency of artifact.dependencies ?? []) {
    const manifest = artifacts[dependency];
    if (manifest?.type !== 'cdk:asset-manifest' || manifest.properties?.file === undefined) continue;
    for (const { source, destinations } of Object.values(readJson<AssetManifest>(resolve(folder, manifest.properties.file)).files ?? {}))
      for (const { bucketName, objectKey } of Object.values(destinations))
        if (source.path !== undefined)
          assets.set(`${fill(bucketName, account, region)}/${fill(objectKey, account, region)}`, resolve(folder, source.path));
  }
  return {
    name: properties.stackName ?? artifact.displayName ?? id,
    account,
    region,
    template: readJson<Template>(resolve(folder, properties.templateFile ?? `${id}.template.json`)),
    parameters: properties.parameters ?? {},
    assets,
  };
}

/** Destinations may name the account and Region by placeholder. */
function fill(text: string, account: string, region: string): string {
  const values: Readonly<Record<string, string>> = { AccountId: account, Region: region, Partition: 'aws' };
  return text.replace(/\$\{AWS::(\w+)\}/g, (whole, name: string) => values[name] ?? whole);
}

/** The ids of stacks, each after the artifacts it depends on. */
function inOrder(artifacts: Readonly<Record<string, ManifestArtifact>>): string[] {
  const done = new Set<string>();
  const order: string[] = [];
  const visit = (id: string): void => {
    if (done.has(id)) return;
    done.add(id);
    for (const dependency of artifacts[id]?.dependencies ?? []) visit(dependency);
    if (artifacts[id]?.type === 'aws:cloudformation:stack') order.push(id);
  };
  for (const id of Object.keys(artifacts)) visit(id);
  return order;
}

const readJson = <Value>(path: string): Value => JSON.parse(readFileSync(path, 'utf8')) as Value;
