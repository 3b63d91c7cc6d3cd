/** Task definitions: families of revisions whose numbers never start again. */
import type {
  DeleteTaskDefinitionsRequest,
  DeregisterTaskDefinitionRequest,
  DescribeTaskDefinitionRequest,
  ListTaskDefinitionFamiliesRequest,
  ListTaskDefinitionsRequest,
  RegisterTaskDefinitionRequest,
  TaskDefinition,
} from '@aws-sdk/client-ecs';
import { passRole } from '../../core/iam/authorize.ts';
import type { Operation, Permission } from '../../core/service.ts';
import type { Site } from '../../core/site.ts';
import { sizeOf, validate } from './definition-rules.ts';
import { client, invalid, lastPart, notImplemented } from './names.ts';
import { page } from './paging.ts';
import { requestTags, resourceTags, type Tags, tagList, tagOnCreate, tagsOf } from './tags.ts';

/** The service that runs tasks, as roles trust it. */
export const ECS_TASKS = 'ecs-tasks.amazonaws.com';

export interface Definition {
  readonly arn: string;
  readonly family: string;
  readonly revision: number;
  /** As DescribeTaskDefinition shows it, with its present status. */
  value: TaskDefinition;
  readonly tags: Tags;
}

const UNSUPPORTED: readonly (keyof RegisterTaskDefinitionRequest)[] = [
  'inferenceAccelerators',
  'proxyConfiguration',
  'placementConstraints',
];

/** @throws ServiceError InvalidParameterException for a definition whose volume is to be configured where it is launched: that is not implemented */
export function assertLaunchable({ volumes = [] }: TaskDefinition): void {
  const open = volumes.find(({ configuredAtLaunch }) => configuredAtLaunch);
  if (open !== undefined)
    throw invalid(
      `Volume '${open.name}' is configured at launch: a volumeConfiguration for it must be given, which local AWS does not implement.`,
    );
}

export class TaskDefinitions {
  readonly operations: Readonly<Record<string, Operation>>;
  private readonly site: Site;
  /** By family; revision n is at n - 1. */
  private readonly families = new Map<string, Definition[]>();

  constructor(site: Site) {
    this.site = site;
    this.operations = { ...this.writing(), ...this.reading() };
  }

  /** `family`, `family:revision` or an ARN; a family alone is its newest ACTIVE revision. Undefined where there is none. */
  find(text: string): Definition | undefined {
    const found = this.written(text);
    return found?.value.status === 'DELETE_IN_PROGRESS' ? undefined : found;
  }

  /** The same, one that is being deleted included. */
  private written(text: string): Definition | undefined {
    const [family = '', revision] = lastPart(text).split(':');
    const revisions = this.families.get(family) ?? [];
    return revision === undefined ? revisions.findLast(({ value }) => value.status === 'ACTIVE') : revisions[Number(revision) - 1];
  }

  /** For a service or task to start. @throws ServiceError ClientException where there is none, or it was deregistered */
  active(text: string | undefined): Definition {
    const found = this.find(text ?? '');
    if (found === undefined) throw client('TaskDefinition not found.');
    if (found.value.status !== 'ACTIVE') throw client('TaskDefinition is inactive');
    return found;
  }

  private family(family: string): string {
    return this.site.arn('ecs', `task-definition/${family}`);
  }

  private register(input: RegisterTaskDefinitionRequest, registeredBy: string): Definition {
    for (const member of UNSUPPORTED)
      if (input[member] !== undefined && (input[member] as unknown[]).length !== 0)
        throw notImplemented(`ecs.RegisterTaskDefinition with ${member}`);
    validate(input);
    const {
      tags,
      family,
      requiresCompatibilities = [],
      containerDefinitions,
      volumes = [],
      executionRoleArn,
      taskRoleArn,
      ...rest
    } = structuredClone(input);
    const revisions = this.families.get(family!) ?? [];
    const revision = revisions.length + 1;
    const arn = this.family(`${family}:${revision}`);
    const { cpu, memory } = sizeOf(input);
    const definition: Definition = {
      arn,
      family: family!,
      revision,
      tags: tagsOf(tags),
      value: {
        ...rest,
        // An empty role is none: some deployers always send one.
        ...(executionRoleArn ? { executionRoleArn } : {}),
        ...(taskRoleArn ? { taskRoleArn } : {}),
        ...(Number.isNaN(cpu) ? {} : { cpu: String(cpu) }),
        ...(Number.isNaN(memory) ? {} : { memory: String(memory) }),
        taskDefinitionArn: arn,
        family: family!,
        revision,
        volumes,
        status: 'ACTIVE',
        placementConstraints: [],
        compatibilities: requiresCompatibilities.includes('FARGATE') ? ['EC2', 'FARGATE'] : ['EC2'],
        requiresCompatibilities,
        containerDefinitions: containerDefinitions!.map((container) => ({
          ...container,
          cpu: container.cpu ?? 0,
          essential: container.essential ?? true,
          portMappings: (container.portMappings ?? []).map((port) => ({
            ...port,
            hostPort: port.hostPort || port.containerPort,
            protocol: port.protocol ?? 'tcp',
          })),
          environment: container.environment ?? [],
          mountPoints: container.mountPoints ?? [],
          volumesFrom: container.volumesFrom ?? [],
          systemControls: container.systemControls ?? [],
        })),
        registeredAt: new Date(this.site.world.clock.now()),
        registeredBy,
      },
    };
    revisions.push(definition);
    this.families.set(family!, revisions);
    return definition;
  }

  private writing(): Readonly<Record<string, Operation>> {
    return {
      RegisterTaskDefinition: {
        authorize: (input: RegisterTaskDefinitionRequest): Permission[] => {
          const { cpu, memory } = sizeOf(input);
          return [
            {
              action: 'ecs:RegisterTaskDefinition',
              resource: this.family(`${input.family}:*`),
              context: {
                ...requestTags(input.tags),
                ...(input.requiresCompatibilities?.length ? { 'ecs:compute-compatibility': input.requiresCompatibilities } : {}),
                'ecs:privileged': String((input.containerDefinitions ?? []).some(({ privileged }) => privileged === true)),
                ...(Number.isNaN(cpu) ? {} : { 'ecs:task-cpu': String(cpu) }),
                ...(Number.isNaN(memory) ? {} : { 'ecs:task-memory': String(memory) }),
              },
            },
            ...[input.executionRoleArn, input.taskRoleArn].flatMap((arn) => (arn ? [passRole(arn, ECS_TASKS)] : [])),
            ...tagOnCreate(this.family(`${input.family}:*`), 'RegisterTaskDefinition', input.tags),
          ];
        },
        handle: (input: RegisterTaskDefinitionRequest, { principal }) => {
          const { value, tags } = this.register(input, principal.arn);
          return { taskDefinition: structuredClone(value), tags: tagList(tags) };
        },
      },
      DeregisterTaskDefinition: {
        authorize: () => [{ action: 'ecs:DeregisterTaskDefinition', resource: '*' }],
        handle: ({ taskDefinition = '' }: DeregisterTaskDefinitionRequest) => {
          if (!lastPart(taskDefinition).includes(':')) throw client('TaskDefinition must specify a revision.');
          const found = this.find(taskDefinition);
          if (found === undefined) throw client('The specified task definition does not exist.');
          found.value = { ...found.value, status: 'INACTIVE', deregisteredAt: new Date(this.site.world.clock.now()) };
          return { taskDefinition: structuredClone(found.value) };
        },
      },
      DeleteTaskDefinitions: {
        authorize: ({ taskDefinitions = [] }: DeleteTaskDefinitionsRequest) =>
          taskDefinitions.map((one) => ({
            action: 'ecs:DeleteTaskDefinitions',
            resource: this.family(lastPart(one)),
            context: resourceTags(this.find(one)?.tags),
          })),
        handle: ({ taskDefinitions = [] }: DeleteTaskDefinitionsRequest) => {
          if (taskDefinitions.length > 10) throw client('At most 10 task definitions can be deleted in one call.');
          const deleted: TaskDefinition[] = [];
          const failures: { arn: string; reason: string; detail?: string }[] = [];
          for (const one of taskDefinitions) {
            const found = this.find(one);
            if (found === undefined) failures.push({ arn: this.family(lastPart(one)), reason: 'MISSING' });
            else if (found.value.status !== 'INACTIVE')
              failures.push({
                arn: found.arn,
                reason: 'The specified task definition is still in ACTIVE status. Please deregister the target and try again.',
              });
            else {
              found.value = { ...found.value, status: 'DELETE_IN_PROGRESS', deleteRequestedAt: new Date(this.site.world.clock.now()) };
              deleted.push(structuredClone(found.value));
            }
          }
          return { taskDefinitions: deleted, failures };
        },
      },
    };
  }

  private reading(): Readonly<Record<string, Operation>> {
    return {
      DescribeTaskDefinition: {
        // The action knows no resource: a policy that names an ARN denies it silently.
        authorize: () => [{ action: 'ecs:DescribeTaskDefinition', resource: '*' }],
        handle: ({ taskDefinition = '', include = [] }: DescribeTaskDefinitionRequest) => {
          // Also while it is being deleted: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/delete-task-definition-v2.html
          const found = this.written(taskDefinition);
          if (found === undefined) throw client('Unable to describe task definition.');
          return { taskDefinition: structuredClone(found.value), ...(include.includes('TAGS') ? { tags: tagList(found.tags) } : {}) };
        },
      },
      ListTaskDefinitions: {
        authorize: () => [{ action: 'ecs:ListTaskDefinitions', resource: '*' }],
        handle: (input: ListTaskDefinitionsRequest) => {
          const { familyPrefix, status = 'ACTIVE', sort = 'ASC' } = input;
          const names = familyPrefix === undefined ? [...this.families.keys()].sort() : [familyPrefix];
          const arns = names.flatMap((family) =>
            (this.families.get(family) ?? []).filter(({ value }) => value.status === status).map(({ arn }) => arn),
          );
          const { items, ...next } = page(sort === 'DESC' ? arns.reverse() : arns, input);
          return { taskDefinitionArns: items, ...next };
        },
      },
      ListTaskDefinitionFamilies: {
        authorize: () => [{ action: 'ecs:ListTaskDefinitionFamilies', resource: '*' }],
        handle: (input: ListTaskDefinitionFamiliesRequest) => {
          const { familyPrefix = '', status = 'ALL' } = input;
          const families = [...this.families]
            .filter(([family, revisions]) => {
              const active = revisions.some(({ value }) => value.status === 'ACTIVE');
              return family.startsWith(familyPrefix) && (status === 'ALL' || (status === 'ACTIVE') === active);
            })
            .map(([family]) => family)
            .sort();
          const { items, ...next } = page(families, input);
          return { families: items, ...next };
        },
      },
    };
  }
}
