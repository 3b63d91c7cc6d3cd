/** What a promotion would send to ECS, as values: the same rendering that the functions send. */
import { environmentName, executionRole, promotionExecution, releaseExecution, taskRole } from '../pipeline/names.ts';
import type { Foundation, Pipeline, ServiceDefinition } from '../pipeline/pipeline.ts';
import type { Release } from '../release/release.ts';
import { shiftingOf } from '../rollout/choice.ts';
import { renderShift, type ShiftParts } from '../rollout/rollout.ts';
import { renderUpdateService } from '../service/rendering.ts';
import { renderTaskDefinition, type TaskDefinitionRequest } from '../task-definition/rendering.ts';

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

/** What repositories are called in the registry of an environment's site. */
export function repositoryUris(pipeline: Pipeline, environment: string): Record<string, string> {
  const site = pipeline.sites[pipeline.environments[environment]?.site ?? ''];
  return Object.fromEntries(
    Object.keys(pipeline.repositories).map((name) => [name, `${site?.account}.dkr.ecr.${site?.region}.amazonaws.com/${name}`]),
  );
}

/** Stands for a digest that is not known here: of what an environment runs, as only its ledger says, or of a tag that nobody resolved. */
export const UNKNOWN_DIGEST = `sha256:${'0'.repeat(64)}`;

/**
 * For all services of the release's group, as they move together. What its other repositories run is left open, and so is the
 * release's own digest where it is {@link UNKNOWN_DIGEST}.
 * @throws RenderError as the promotion itself would be refused
 */
export function planRequests(pipeline: Pipeline, name: string, release: Release, foundation: Foundation): PlannedRequest[] {
  const environment = pipeline.environments[name]!;
  // Its name is made of the digest.
  const promotion =
    release.digest === UNKNOWN_DIGEST ? '<promotion>' : promotionExecution(name, releaseExecution(release.repository, release.digest, 1));
  const group = Object.values(pipeline.groups).find(({ repositories }) => repositories.includes(release.repository))!;
  const releases = Object.fromEntries(
    Object.keys(pipeline.repositories).map((name) => [
      name,
      name === release.repository ? release : { ...release, repository: name, digest: UNKNOWN_DIGEST, tag: asItRuns(name) },
    ]),
  );
  return group.services.flatMap((name) => {
    const service = pipeline.services[name]!;
    const rendered = renderTaskDefinition({
      pipeline,
      environment,
      service,
      releases,
      repositoryUris: repositoryUris(pipeline, environment.name),
      foundation,
      promotion,
    });
    const register = { ...rendered, containerDefinitions: leaveOpen(rendered, service, release) };
    const taskDefinition = `${register.family}:<new revision>`;
    const parts = { pipeline, environment, service, foundation, targetGroupArn: '<target group>', taskDefinition, promotion };
    const shifting = shiftingOf(environment, service);
    const update = renderUpdateService({ ...parts, ...(shifting ? { shift: renderShift(parts, shifting, SHIFT_PLACEHOLDERS) } : {}) });
    return [
      { call: 'ecs:RegisterTaskDefinition', input: register },
      { call: 'ecs:UpdateService', input: update },
    ];
  });
}

/** Stand for the second target group and the rules of a service whose traffic shifts. */
const SHIFT_PLACEHOLDERS: ShiftParts = {
  alternateTargetGroupArn: '<alternate target group>',
  productionRuleArn: '<production rule>',
  testRuleArn: '<test rule>',
  infrastructureRoleArn: '<infrastructure role>',
};

const asItRuns = (repository: string) => `<${repository} as it runs>`;

/** The containers, with an image that says so where its digest is not known. */
const leaveOpen = ({ containerDefinitions }: TaskDefinitionRequest, { containers }: ServiceDefinition, release: Release) =>
  containerDefinitions.map((container) => {
    const source = containers[String(container.name)];
    if (source === undefined || !('repository' in source)) return container;
    const standIn = source.repository === release.repository ? `<digest of ${release.tag}>` : asItRuns(source.repository);
    return { ...container, image: String(container.image).replace(UNKNOWN_DIGEST, standIn) };
  });
