/** Task definitions as teams keep them, copied as they are, each as the template of a service of a pipeline with `test` and `live`. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ConfigError, parsePipeline } from '../../../domain/configuration/configuration.ts';
import type { Problem } from '../../../domain/text/problem.ts';

export const folder = resolve(import.meta.dirname, '../../fixtures/task-definitions');

export const SAMPLES = readdirSync(folder).sort();

export const textOf = (sample: string): string => readFileSync(join(folder, sample), 'utf8');

/** What runs an image beside the release's, by container name. */
const FIXED = new Set([
  'log_router',
  'renderer',
  'datadog-agent',
  'collector',
  'xray-daemon',
  'cloudwatch-agent',
  'greet',
  'cache',
  'probe',
  'envoy',
]);

const PLATFORMS: Readonly<Record<string, string>> = {
  '28-arm64-scratch-volume.json': 'linux/arm64',
  '29-windows-fargate.json': 'windows/amd64',
};

/** @param rest of the service, beside its template */
export function configOf(sample: string, rest: object = {}, allow: readonly string[] = []) {
  const names = [...new Set([...textOf(sample).matchAll(/"name"\s*:\s*"([\w-]+)"/g)].map(([, name]) => name!))];
  let template: { readonly containerDefinitions?: readonly { readonly name: string }[] } = {};
  try {
    template = JSON.parse(textOf(sample).replace(/^\uFEFF/, '')) as typeof template;
  } catch {
    // One of them is no JSON, which is what it is there for.
  }
  const containers = template.containerDefinitions?.map(({ name }) => name) ?? names.slice(0, 1);
  return {
    name: 'shop',
    sites: { main: { account: '111111111111', region: 'eu-central-1' } },
    repositories: { app: { tags: 'build-*', order: 'build-number', platform: PLATFORMS[sample] ?? 'linux/amd64' } },
    services: {
      web: {
        taskDefinition: sample,
        containers: Object.fromEntries(
          (containers.length > 0 ? containers : ['web']).map((name) => [name, FIXED.has(name) ? { image: 'public.ecr.aws/x/y:1' } : 'app']),
        ),
        ...rest,
      },
    },
    environments: { test: { allow }, live: { allow } },
    path: ['test', 'live'],
  };
}

/** All that `check` says of it. */
export function problemsOf(config: unknown, readFile: (file: string) => string = textOf): readonly Problem[] {
  try {
    parsePipeline(config, readFile);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}
