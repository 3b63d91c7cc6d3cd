/** What a promotion would send to ECS, as values: the same rendering that the functions send. */
import { environmentName, executionRole, promotionExecution, releaseExecution, taskRole } from './names.ts';
import type { Foundation, Pipeline } from './pipeline.ts';
import type { Release } from './release.ts';
import { renderTaskDefinition, renderUpdateService } from './render.ts';

export interface PlannedRequest {
  /** `ecs:RegisterTaskDefinition` */
  readonly call: string;
  readonly input: object;
}

/** Stands for what only the deployed stack knows: identifiers in angle brackets. */
export function foundationPlaceholder(pipeline: Pipeline, environment: string): Foundation {
  const account = pipeline.sites[pipeline.environments[environment]?.site ?? '']?.account ?? '';
  return {
    cluster: environmentName(pipeline.name, environment),
    subnets: ['<subnet>'],
    securityGroups: ['<security group>'],
    listenerArn: '<listener>',
    host: '<load balancer>',
    executionRoleArn: `arn:aws:iam::${account}:role/${executionRole(pipeline.name, environment)}`,
    taskRoleArn: `arn:aws:iam::${account}:role/${taskRole(pipeline.name, environment)}`,
  };
}

/** @throws RenderError as the promotion itself would be refused */
export function planRequests(pipeline: Pipeline, environmentName: string, release: Release, foundation: Foundation): PlannedRequest[] {
  const environment = pipeline.environments[environmentName]!;
  const site = pipeline.sites[environment.site]!;
  const repositoryUris = Object.fromEntries(
    Object.keys(pipeline.repositories).map((name) => [name, `${site.account}.dkr.ecr.${site.region}.amazonaws.com/${name}`]),
  );
  const promotion = promotionExecution(environmentName, releaseExecution(release.repository, release.digest, 1));
  const services = Object.values(pipeline.services).filter(({ containers }) =>
    Object.values(containers).some((source) => 'repository' in source && source.repository === release.repository),
  );
  return services.flatMap((service) => {
    const releases = Object.fromEntries(
      Object.keys(pipeline.repositories).map((name) => [
        name,
        name === release.repository ? release : { ...release, repository: name, tag: `<${name} as it runs>` },
      ]),
    );
    const register = renderTaskDefinition({ pipeline, environment, service, releases, repositoryUris, foundation, promotion });
    const taskDefinition = `${register.family}:<new revision>`;
    const update = renderUpdateService({
      pipeline,
      environment,
      service,
      foundation,
      targetGroupArn: undefined,
      taskDefinition,
      promotion,
    });
    return [
      { call: 'ecs:RegisterTaskDefinition', input: register },
      { call: 'ecs:UpdateService', input: update },
    ];
  });
}
