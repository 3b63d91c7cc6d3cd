/** The projects and builds of one account and Region, and the operations on them. */
import type * as Api from '@aws-sdk/client-codebuild';
import { assertAssumable, passRole } from '../../core/iam/authorize.ts';
import { identities } from '../../core/iam/identities.ts';
import type { Random } from '../../core/random.ts';
import { type Call, type Operation, type Permission, type Principal, ServiceError } from '../../core/service.ts';
import type { Site } from '../../core/site.ts';
import { BuildLog, logPlace } from './log.ts';
import { buildSettings, type ProjectSettings, projectSettings } from './project.ts';
import { Run } from './run.ts';

const SERVICE = 'codebuild.amazonaws.com';
/** How long an idempotency token is remembered. https://docs.aws.amazon.com/codebuild/latest/APIReference/API_StartBuild.html */
const TOKEN_LIFE = 5 * 60_000;

export interface Project {
  settings: ProjectSettings;
  readonly created: Date;
  lastModified: Date;
  builds: number;
}

const invalid = (message: string) => new ServiceError('InvalidInputException', message);

export class CodebuildAccount {
  readonly site: Site;
  readonly operations: Readonly<Record<string, Operation>>;
  readonly projects = new Map<string, Project>();
  /**
   * Seconds of virtual time that a phase takes beside what its commands sleep and wait for; processes compute in no time.
   * @default 20 until the container stands, 10 for the build
   */
  readonly durations: Partial<Record<Api.BuildPhaseType, number>> = { QUEUED: 1, PROVISIONING: 19, BUILD: 10 };
  /** Milliseconds of this machine's own time that a command may compute without a pause. */
  processLimit = 5 * 60_000;
  /** In the order of their start. */
  private readonly builds = new Map<string, Api.Build>();
  private readonly runs = new Map<string, Run>();
  private readonly tokens = new Map<string, { readonly id: string; readonly input: string; readonly until: number }>();
  private readonly random: Random;

  constructor(site: Site) {
    this.site = site;
    this.random = site.world.random.fork(`codebuild/${site.account}/${site.region}`);
    this.operations = this.table();
  }

  arn(project: string): string {
    return this.site.arn('codebuild', `project/${project}`);
  }

  /** A project by name or ARN. @throws ServiceError ResourceNotFoundException */
  project(name: string): Project {
    const project = this.projects.get(name.replace(/^arn:.*:project\//, ''));
    if (project === undefined) throw new ServiceError('ResourceNotFoundException', `Project cannot be found: ${this.arn(name)}`);
    return project;
  }

  /** @throws ServiceError ResourceAlreadyExistsException, InvalidInputException */
  create(input: Api.CreateProjectInput): Project {
    const settings = this.settings(input);
    if (this.projects.has(settings.name))
      throw new ServiceError('ResourceAlreadyExistsException', `Project already exists: ${this.arn(settings.name)}`);
    const now = new Date(this.site.world.clock.now());
    const project: Project = { settings, created: now, lastModified: now, builds: 0 };
    this.projects.set(settings.name, project);
    return project;
  }

  update(project: Project, input: Api.CreateProjectInput): void {
    project.settings = this.settings(input);
    project.lastModified = new Date(this.site.world.clock.now());
  }

  private settings(input: Api.CreateProjectInput): ProjectSettings {
    const settings = projectSettings(input, this.site.region, this.site.account);
    this.assertAssumable(settings.serviceRole);
    return settings;
  }

  private assertAssumable(role: string): void {
    const { world, region, account } = this.site;
    try {
      assertAssumable(world, role, SERVICE, region, { 'aws:SourceAccount': account });
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      throw invalid(`CodeBuild is not authorized to perform: sts:AssumeRole on ${role}`);
    }
  }

  /** Starts a build and returns once it is queued, or refused by its own role. */
  private async start(input: Api.StartBuildInput, call: Call): Promise<Api.Build> {
    const { site } = this;
    const now = site.world.clock.now();
    const { idempotencyToken: token, ...rest } = input;
    const text = JSON.stringify(rest);
    const known = token === undefined ? undefined : this.tokens.get(token);
    if (known !== undefined && known.until > now) {
      if (known.input !== text) throw invalid('The idempotency token was used with other parameters');
      return this.builds.get(known.id)!;
    }
    const project = this.project(input.projectName!);
    const settings = buildSettings(project.settings, input);
    this.assertAssumable(settings.serviceRole);
    const limit = settings.concurrentBuildLimit;
    const running = [...this.runs.keys()].filter((id) => this.builds.get(id)!.projectName === settings.name).length;
    if (limit !== undefined && running >= limit)
      throw new ServiceError('AccountLimitExceededException', `Cannot have more than ${limit} builds running for the project`);

    const uuid = this.random.uuid();
    const build = this.record(settings, uuid, ++project.builds, call.principal);
    const { id } = build;
    this.builds.set(id!, build);
    if (token !== undefined) this.tokens.set(token, { id: id!, input: text, until: now + TOKEN_LIFE });
    const role = identities(site.world, settings.serviceRole.split(':')[4]!).rolePrincipal(settings.serviceRole, `AWSCodeBuild-${uuid}`);
    const log = new BuildLog(site, role, logPlace(settings.logsConfig, settings.name, uuid));
    const run = new Run({
      site,
      build,
      project: settings,
      role,
      log,
      durations: this.durations,
      processLimit: this.processLimit,
      ended: () => this.runs.delete(id!),
    });
    this.runs.set(id!, run);
    await run.submit();
    return build;
  }

  private record(settings: ProjectSettings, uuid: string, buildNumber: number, principal: Principal): Api.Build {
    const { site } = this;
    const id = `${settings.name}:${uuid}`;
    const place = logPlace(settings.logsConfig, settings.name, uuid);
    const console = `https://console.aws.amazon.com/cloudwatch/home?region=${site.region}`;
    return {
      id,
      arn: site.arn('codebuild', `build/${id}`),
      buildNumber,
      startTime: new Date(site.world.clock.now()),
      currentPhase: 'SUBMITTED',
      buildStatus: 'IN_PROGRESS',
      sourceVersion: settings.sourceVersion,
      projectName: settings.name,
      phases: [],
      source: settings.source,
      artifacts: { location: '' },
      cache: { type: 'NO_CACHE' },
      environment: settings.environment,
      serviceRole: settings.serviceRole,
      logs:
        place === undefined
          ? { cloudWatchLogs: { status: 'DISABLED' } }
          : {
              groupName: place.group,
              streamName: place.stream,
              deepLink: `${console}#logEvent:group=${place.group};stream=${place.stream}`,
              cloudWatchLogsArn: site.arn('logs', `log-group:${place.group}:log-stream:${place.stream}`),
              cloudWatchLogs: { status: 'ENABLED' },
            },
      timeoutInMinutes: settings.timeoutInMinutes,
      queuedTimeoutInMinutes: settings.queuedTimeoutInMinutes,
      buildComplete: false,
      initiator: initiator(principal),
      encryptionKey: settings.encryptionKey,
    };
  }

  private build(id: string): Api.Build {
    const build = this.builds.get(id.replace(/^arn:.*:build\//, ''));
    if (build === undefined) throw new ServiceError('ResourceNotFoundException', `Build cannot be found: ${id}`);
    return build;
  }

  private describe({ settings, created, lastModified }: Project): Api.Project {
    const { logsConfig, tags, ...rest } = settings;
    return {
      ...rest,
      arn: this.arn(settings.name),
      artifacts: { type: 'NO_ARTIFACTS' },
      cache: { type: 'NO_CACHE' },
      badge: { badgeEnabled: false },
      logsConfig,
      tags: [...tags],
      created,
      lastModified,
    };
  }

  private table(): Readonly<Record<string, Operation>> {
    const on = (verb: string, project: string | undefined): Permission => ({
      action: `codebuild:${verb}`,
      resource: this.arn((project ?? '').replace(/^arn:.*:project\//, '')),
    });
    const projectOf = (buildId: string | undefined) => (buildId ?? '').replace(/^arn:.*:build\//, '').split(':')[0];
    const ids = (builds: readonly Api.Build[], order: string | undefined) => {
      const all = builds.map(({ id }) => id!);
      return order === 'ASCENDING' ? all : all.reverse();
    };
    return {
      CreateProject: {
        authorize: (input: Api.CreateProjectInput) => [on('CreateProject', input.name), passRole(input.serviceRole!, SERVICE)],
        handle: (input: Api.CreateProjectInput) => ({ project: this.describe(this.create(input)) }),
      },
      UpdateProject: {
        authorize: (input: Api.UpdateProjectInput) => [
          on('UpdateProject', input.name),
          ...(input.serviceRole === undefined ? [] : [passRole(input.serviceRole, SERVICE)]),
        ],
        handle: (input: Api.UpdateProjectInput) => {
          const project = this.project(input.name!);
          const given = Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined));
          this.update(project, {
            artifacts: { type: 'NO_ARTIFACTS' },
            ...project.settings,
            tags: [...project.settings.tags],
            ...given,
          } as Api.CreateProjectInput);
          return { project: this.describe(project) };
        },
      },
      DeleteProject: {
        authorize: (input: Api.DeleteProjectInput) => [on('DeleteProject', input.name)],
        handle: (input: Api.DeleteProjectInput) => {
          this.projects.delete(input.name!);
          return {};
        },
      },
      BatchGetProjects: {
        authorize: (input: Api.BatchGetProjectsInput) => (input.names ?? []).map((name) => on('BatchGetProjects', name)),
        handle: (input: Api.BatchGetProjectsInput) => {
          const named = (input.names ?? []).map((name) => ({ name, project: this.projects.get(name.replace(/^arn:.*:project\//, '')) }));
          return {
            projects: named.flatMap(({ project }) => (project === undefined ? [] : [this.describe(project)])),
            projectsNotFound: named.flatMap(({ name, project }) => (project === undefined ? [name] : [])),
          };
        },
      },
      ListProjects: {
        authorize: () => [{ action: 'codebuild:ListProjects', resource: '*' }],
        handle: () => ({ projects: [...this.projects.keys()].sort() }),
      },
      StartBuild: {
        authorize: (input: Api.StartBuildInput) => [
          on('StartBuild', input.projectName),
          ...(input.serviceRoleOverride === undefined ? [] : [passRole(input.serviceRoleOverride, SERVICE)]),
        ],
        handle: async (input: Api.StartBuildInput, call: Call) => ({ build: structuredClone(await this.start(input, call)) }),
      },
      StopBuild: {
        authorize: (input: Api.StopBuildInput) => [on('StopBuild', projectOf(input.id))],
        handle: (input: Api.StopBuildInput) => {
          const build = this.build(input.id!);
          this.runs.get(build.id!)?.stop();
          return { build: structuredClone(build) };
        },
      },
      BatchGetBuilds: {
        authorize: (input: Api.BatchGetBuildsInput) =>
          [...new Set((input.ids ?? []).map(projectOf))].map((project) => on('BatchGetBuilds', project)),
        handle: (input: Api.BatchGetBuildsInput) => {
          const found = (id: string) => this.builds.get(id.replace(/^arn:.*:build\//, ''));
          return {
            builds: (input.ids ?? []).flatMap((id) => found(id) ?? []).map((build) => structuredClone(build)),
            buildsNotFound: (input.ids ?? []).filter((id) => found(id) === undefined),
          };
        },
      },
      ListBuildsForProject: {
        authorize: (input: Api.ListBuildsForProjectInput) => [on('ListBuildsForProject', input.projectName)],
        handle: (input: Api.ListBuildsForProjectInput) => {
          const { name } = this.project(input.projectName!).settings;
          const own = [...this.builds.values()].filter((build) => build.projectName === name);
          return page(ids(own, input.sortOrder), input.nextToken);
        },
      },
      ListBuilds: {
        authorize: () => [{ action: 'codebuild:ListBuilds', resource: '*' }],
        handle: (input: Api.ListBuildsInput) => page(ids([...this.builds.values()], input.sortOrder), input.nextToken),
      },
    };
  }

  save(): unknown {
    return { projects: [...this.projects.values()], builds: [...this.builds.values()].filter(({ buildComplete }) => buildComplete) };
  }

  load(saved: unknown): void {
    const { projects, builds } = saved as { projects: Project[]; builds: Api.Build[] };
    for (const one of projects)
      this.projects.set(one.settings.name, { ...one, created: new Date(one.created), lastModified: new Date(one.lastModified) });
    for (const build of builds) {
      const phases = build.phases?.map((phase) => ({ ...phase, ...dates(phase, 'startTime', 'endTime') }));
      this.builds.set(build.id!, { ...build, ...dates(build, 'startTime', 'endTime'), phases });
    }
  }
}

const dates = <Value extends object, Key extends keyof Value>(value: Value, ...keys: Key[]) =>
  Object.fromEntries(keys.filter((key) => value[key] !== undefined).map((key) => [key, new Date(value[key] as string)]));

/** Lists of builds come by the hundred. */
function page(all: readonly string[], token: string | undefined): { ids: string[]; nextToken?: string } {
  const from = token === undefined ? 0 : all.indexOf(Buffer.from(token, 'base64url').toString()) + 1;
  if (token !== undefined && from === 0) throw invalid('Invalid next token');
  const ids = all.slice(from, from + 100);
  return { ids, ...(from + 100 < all.length ? { nextToken: Buffer.from(ids.at(-1)!).toString('base64url') } : {}) };
}

/** `role/session`, the user's name, or the service. */
function initiator({ kind, arn }: Principal): string {
  return kind === 'role' ? arn.split(':assumed-role/')[1]! : arn.slice(arn.lastIndexOf('/') + 1);
}
