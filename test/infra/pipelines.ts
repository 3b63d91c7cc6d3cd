/** Small pipelines, functions that do nothing, and what is synthesised from them. */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Environment, Pipeline, ServiceDefinition } from '../../domain/pipeline/pipeline.ts';
import { functionNames, functionsFolder } from '../../infra/code.ts';
import { synthesisePipeline } from '../../infra/synthesis.ts';

export const ACCOUNT = '111122223333';
export const REGION = 'eu-central-1';

export const environment = (name: string, more: Partial<Environment> = {}): Environment => ({
  name,
  site: 'home',
  stage: name,
  index: 0,
  strategy: { kind: 'rolling', earlySuccess: false },
  failureThreshold: 3,
  verification: { http: [] },
  variables: {},
  timeouts: { deployMinutes: 30, verifyMinutes: 30, turnHours: 96 },
  databases: {},
  allow: [],
  ...more,
});

export const webService = (name: string, port: number, more: Partial<ServiceDefinition> = {}): ServiceDefinition => ({
  name,
  group: name,
  containers: { web: { repository: name } },
  template: { containerDefinitions: [{ name: 'web' }] },
  web: { container: 'web', port, path: `/${name}*`, health: `/${name}/health`, graceSeconds: 60, priority: 1 },
  count: {},
  strategy: {},
  ...more,
});

const byName = <Value extends { name: string }>(values: readonly Value[]) => Object.fromEntries(values.map((value) => [value.name, value]));

export function pipeline(
  parts: { environments?: readonly Environment[]; services?: readonly ServiceDefinition[]; repositories?: readonly string[] } = {},
): Pipeline {
  const { environments = [environment('live')], services = [webService('orders', 8080)], repositories = ['orders'] } = parts;
  return {
    name: 'acme',
    digest: `sha256:${'0'.repeat(64)}`,
    timeZone: 'UTC',
    sites: { home: { account: ACCOUNT, region: REGION } },
    people: {},
    repositories: byName(repositories.map((name) => ({ name, tags: '*', order: 'push-time' as const, platform: 'linux/amd64' }))),
    services: byName(services),
    groups: {},
    environments: byName(environments),
    path: [],
    builds: byName([
      {
        name: 'system-tests',
        buildspec: 'version: 0.2\n',
        computeType: 'BUILD_GENERAL1_SMALL',
        image: 'aws/codebuild/amazonlinux-aarch64-standard:3.0',
        timeoutMinutes: 15,
      },
    ]),
    databases: {},
    notifications: { email: [] },
    sweepMinutes: 5,
  };
}

/** A folder of functions with the names of ours, and nothing in them. */
export function emptyFunctions(): string {
  const folder = mkdtempSync(join(tmpdir(), 'functions-'));
  for (const name of functionNames(functionsFolder))
    writeFileSync(join(folder, `${name}.ts`), `export const handler = async () => ${JSON.stringify(name)};\n`);
  return folder;
}

// biome-ignore lint/suspicious/noExplicitAny: a template is what it is; tests look into it.
export type Resource = { Type: string; Properties: any; DeletionPolicy?: string; UpdateReplacePolicy?: string };

export class Synthesis {
  readonly folder: string;
  readonly stacks: readonly string[];

  private constructor(folder: string, stacks: readonly string[]) {
    this.folder = folder;
    this.stacks = stacks;
  }

  static async of(value: Pipeline, functions: string = emptyFunctions()): Promise<Synthesis> {
    const folder = mkdtempSync(join(tmpdir(), 'assembly-'));
    return new Synthesis(folder, await synthesisePipeline(value, folder, { functionsFolder: functions }));
  }

  resources(stack: string): Record<string, Resource> {
    return JSON.parse(readFileSync(join(this.folder, `${stack}.template.json`), 'utf8')).Resources;
  }

  /** The resources of a type, in one stack. */
  all(stack: string, type: string): Resource[] {
    return Object.values(this.resources(stack)).filter(({ Type }) => Type === type);
  }

  /** The only resource of a type that has these properties. */
  one(stack: string, type: string, properties: Record<string, unknown> = {}): Resource {
    const found = this.all(stack, type).filter((resource) =>
      Object.entries(properties).every(([name, value]) => resource.Properties[name] === value),
    );
    if (found.length !== 1) throw new Error(`${found.length} ${type} with ${JSON.stringify(properties)} in ${stack}`);
    return found[0]!;
  }
}
