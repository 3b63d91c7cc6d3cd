/** The parts of a rendering, for tests: the example's pipeline, a made-up foundation, and releases. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parsePipeline } from '../../domain/configuration/configuration.ts';
import type { DangerousField, Environment, Foundation, ServiceDefinition, TaskDefinitionTemplate } from '../../domain/pipeline/pipeline.ts';
import type { Release } from '../../domain/release/release.ts';
import type { TaskDefinitionParts } from '../../domain/task-definition/rendering.ts';
import example from '../../examples/acme/shiplock.config.ts';

const folder = resolve(import.meta.dirname, '../../examples/acme');

export const pipeline = parsePipeline(example, (path) => readFileSync(resolve(folder, path), 'utf8'));

export const digest = (letter: string) => `sha256:${letter.repeat(64)}`;

export const release = (repository: string, tag: string, letter = 'a'): Release => ({
  repository,
  digest: digest(letter),
  tag,
  order: tag,
  pushedAt: '2026-11-20T10:00:00.000Z',
});

export const foundation: Foundation = {
  cluster: 'acme-test',
  subnets: ['subnet-1', 'subnet-2'],
  securityGroups: ['sg-1'],
  listenerArn: 'arn:aws:elasticloadbalancing:eu-central-1:111111111111:listener/app/acme-test/1/2',
  host: 'acme-test.example.com',
  executionRoleArn: 'arn:aws:iam::111111111111:role/acme-test-execution',
  taskRoleArn: 'arn:aws:iam::111111111111:role/acme-test-task',
};

/** What is rendered: a service of the example, its template replaced, in an environment that allows something. */
export interface Given {
  readonly service?: string;
  readonly template?: object;
  readonly environment?: string;
  readonly allow?: readonly DangerousField[];
  readonly containers?: ServiceDefinition['containers'];
  readonly variables?: Readonly<Record<string, string>>;
  readonly releases?: Readonly<Record<string, Release>>;
}

export function parts({
  service: name = 'gateway',
  template,
  environment = 'test',
  allow,
  containers,
  variables,
  releases,
}: Given): TaskDefinitionParts {
  const own = pipeline.services[name]!;
  const base: Environment = pipeline.environments[environment]!;
  return {
    pipeline,
    environment: { ...base, allow: allow ?? base.allow, variables: variables ?? base.variables },
    service: {
      ...own,
      ...(template ? { template: template as TaskDefinitionTemplate } : {}),
      ...(containers ? { containers } : {}),
    },
    releases: releases ?? {
      orders: release('orders', 'git_cf7edb2', 'a'),
      catalog: release('catalog', 'build-7', 'b'),
      gateway: release('gateway', '1.2.3', 'c'),
    },
    repositoryUris: Object.fromEntries(
      Object.keys(pipeline.repositories).map((one) => [one, `111111111111.dkr.ecr.eu-central-1.amazonaws.com/${one}`]),
    ),
    foundation,
    promotion: 'test-gateway-cccccccccccc-1',
  };
}
