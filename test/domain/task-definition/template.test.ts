/** Templates from task definitions that exist. */
import { describe, expect, it } from 'vitest';
import { renderTaskDefinition } from '../../../domain/task-definition/rendering.ts';
import { isInEcr, templateOf, withPlaceholder } from '../../../domain/task-definition/template.ts';
import { digest, parts, pipeline, release } from '../parts.ts';

describe('a template of a task definition', () => {
  it('has roles, memory and network, and nothing that ECS would refuse', () => {
    const definition = {
      taskDefinitionArn: 'arn:…:task-definition/web:7',
      revision: 7,
      status: 'ACTIVE',
      requiresAttributes: [{ name: 'x' }],
      compatibilities: ['FARGATE'],
      registeredAt: new Date(0),
      registeredBy: 'somebody',
      family: 'web',
      taskRoleArn: 'arn:task',
      executionRoleArn: 'arn:execution',
      cpu: '256',
      memory: '512',
      networkMode: 'awsvpc',
      volumes: [],
      containerDefinitions: [
        { name: 'web', image: '111111111111.dkr.ecr.eu-central-1.amazonaws.com/web:git_1', essential: true },
        { name: 'statsd', image: 'public.ecr.aws/statsd:1' },
      ],
    };
    expect(
      templateOf(
        definition,
        [
          { key: 'team', value: 'shop' },
          { key: 'aws:cloudformation:stack-name', value: 'x' },
        ],
        isInEcr,
      ),
    ).toEqual({
      family: 'web',
      taskRoleArn: 'arn:task',
      executionRoleArn: 'arn:execution',
      cpu: '256',
      memory: '512',
      networkMode: 'awsvpc',
      containerDefinitions: [
        { name: 'web', image: '111111111111.dkr.ecr.eu-central-1.amazonaws.com/web:%BUILD_VERSION%', essential: true },
        { name: 'statsd', image: 'public.ecr.aws/statsd:1' },
      ],
      tags: [{ key: 'team', value: 'shop' }],
    });
  });

  it('keeps a registry’s port, and drops tag and digest', () => {
    expect(withPlaceholder('localhost:5000/web')).toBe('localhost:5000/web:%BUILD_VERSION%');
    expect(withPlaceholder('localhost:5000/web:1@sha256:ab')).toBe('localhost:5000/web:%BUILD_VERSION%');
  });
});

describe('a template of what a pipeline registered', () => {
  it.each(Object.keys(pipeline.services))('makes of %s what it was made of, in every environment', (name) => {
    const releases = Object.fromEntries(Object.keys(pipeline.repositories).map((repository) => [repository, release(repository, 'git_1')]));
    const registered = (environment: string, template?: object) =>
      renderTaskDefinition(parts({ service: name, environment, releases, ...(template ? { template } : {}) }));
    const found = registered('live');
    const filled = { variables: pipeline.environments.live!.variables, tags: { [digest('a')]: 'git_1' } };
    const ecs = {
      ...found,
      revision: 3,
      volumes: [],
      containerDefinitions: found.containerDefinitions.map((one) => ({ cpu: 0, mountPoints: [], image: '', ...one })),
    };
    const template = templateOf(ecs, found.tags, isInEcr, filled);
    expect(JSON.stringify(template)).not.toMatch(/live|shiplock|git_1/);
    expect(registered('test', template)).toEqual(registered('test'));
  });
});
