/** Templates from task definitions that exist. */
import { describe, expect, it } from 'vitest';
import { isInEcr, templateOf, withPlaceholder } from '../../domain/template.ts';

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
