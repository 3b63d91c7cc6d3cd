/** `shiplock.config.ts`: its schema, and the complete pipeline that comes of it. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { strictest } from './approval.ts';
import { groupsOf } from './groups.ts';
import { buildProject, targetGroupName } from './names.ts';
import type {
  Build,
  ContainerSource,
  Environment,
  OnDemand,
  Person,
  Pipeline,
  Repository,
  ServiceDefinition,
  Stage,
  TaskDefinitionTemplate,
} from './pipeline.ts';
import { suggestion } from './suggestion.ts';

/** One thing that is wrong, where, and the way out. */
export interface Problem {
  readonly place: string;
  readonly message: string;
}

/** Everything that is wrong with a configuration, at once. */
export class ConfigError extends Error {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map(({ place, message }) => (place ? `${place}: ${message}` : message)).join('\n'));
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

const time = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'not a time such as "07:00"');
const name = z.string().regex(/^[a-z][a-z0-9-]*$/, 'lower-case letters, digits and hyphens, beginning with a letter');
const words = z.array(z.string());

const DAYS: Readonly<Record<string, readonly number[]>> = {
  'monday-friday': [1, 2, 3, 4, 5],
  'monday-saturday': [1, 2, 3, 4, 5, 6],
  'every-day': [1, 2, 3, 4, 5, 6, 7],
};

const schema = z.strictObject({
  name: name.max(12),
  timeZone: z.string().optional(),
  sites: z.record(
    name,
    z.strictObject({
      account: z.string().regex(/^\d{12}$/, 'twelve digits'),
      region: z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'a Region such as "eu-central-1"'),
    }),
  ),
  people: z
    .record(z.email(), z.strictObject({ session: z.string().optional(), authorAs: words.optional(), groups: words.optional() }))
    .optional(),
  repositories: z.record(
    z.string().regex(/^[a-z0-9]+([._/-][a-z0-9]+)*$/, 'not a name that ECR takes'),
    z.strictObject({
      tags: z.string().min(1),
      order: z.enum(['build-number', 'semver', 'commit-time', 'push-time']).optional(),
      platform: z.string().optional(),
    }),
  ),
  services: z.record(
    name,
    z.strictObject({
      taskDefinition: z.string(),
      containers: z.record(z.string(), z.union([z.string(), z.strictObject({ image: z.string() })])),
      web: z
        .strictObject({
          container: z.string(),
          port: z.int().min(1).max(65_535),
          path: z.string().startsWith('/'),
          health: z.string().startsWith('/'),
          graceSeconds: z.int().min(0).optional(),
        })
        .optional(),
      count: z.union([z.int().min(1), z.record(z.string(), z.int().min(1))]).optional(),
    }),
  ),
  environments: z.record(
    name,
    z.strictObject({
      site: z.string().optional(),
      onDemand: z
        .strictObject({
          days: z.enum(Object.keys(DAYS) as [string, ...string[]]).optional(),
          from: time,
          to: time,
          timeZone: z.string().optional(),
          depth: z.enum(['tasks', 'cluster']).optional(),
          outside: z.enum(['wait', 'wake']).optional(),
        })
        .optional(),
      strategy: z.string().optional(),
      failureThreshold: z.int().min(1).max(200).optional(),
      checks: z
        .array(
          z.strictObject({
            service: z.string().optional(),
            path: z.string().startsWith('/'),
            status: z.int().min(100).max(599).optional(),
            contains: z.string().optional(),
            attempts: z.int().min(1).max(10).optional(),
          }),
        )
        .optional(),
      build: z.string().optional(),
      approval: z
        .strictObject({
          approvers: words.min(1),
          quorum: z.int().min(1).optional(),
          notAuthor: z.boolean().optional(),
          expiresHours: z.int().min(1).max(8760).optional(),
        })
        .optional(),
      variables: z.record(z.string(), z.string()).optional(),
      timeouts: z
        .strictObject({
          deployMinutes: z.int().min(1).max(1440).optional(),
          verifyMinutes: z.int().min(1).max(480).optional(),
          turnHours: z.int().min(1).max(96).optional(),
        })
        .optional(),
      allow: z
        .array(z.enum(['privileged', 'host-network', 'host-volumes', 'foreign-roles', 'foreign-secrets', 'plaintext-secrets']))
        .optional(),
    }),
  ),
  path: z.array(z.union([z.string(), z.array(z.string()).min(1)])).min(1),
  builds: z
    .record(
      name,
      z.strictObject({
        buildspec: z.string(),
        computeType: z.string().optional(),
        image: z.string().optional(),
        timeoutMinutes: z.int().min(5).max(480).optional(),
      }),
    )
    .optional(),
  sweepMinutes: z.int().min(1).max(60).optional(),
});

/** The configuration as a team writes it. */
export type PipelineConfig = z.input<typeof schema>;
type Parsed = z.output<typeof schema>;

/** Types a configuration. */
export const definePipeline = (config: PipelineConfig): PipelineConfig => config;

/** Every key of the schema, as paths with `*` for names: what the example must show. */
export const schemaKeys = (): string[] => keysOf(schema);

function keysOf(type: z.core.$ZodType, path = ''): string[] {
  if (type instanceof z.ZodOptional) return keysOf(type.unwrap(), path);
  if (type instanceof z.ZodObject)
    return Object.entries(type.shape).flatMap(([key, inner]) => [`${path}${key}`, ...keysOf(inner as z.core.$ZodType, `${path}${key}.`)]);
  if (type instanceof z.ZodRecord) return keysOf(type.valueType as z.core.$ZodType, `${path}*.`);
  if (type instanceof z.ZodArray) return keysOf(type.element as z.core.$ZodType, `${path}*.`);
  if (type instanceof z.ZodUnion) return type.options.flatMap((option) => keysOf(option as z.core.$ZodType, path));
  return [];
}

/**
 * @param input what `shiplock.config.ts` exports
 * @param readFile reads a file named in it, by its path relative to the configuration
 * @throws ConfigError with all that is wrong
 */
export function parsePipeline(input: unknown, readFile: (path: string) => string): Pipeline {
  const parsed = schema.safeParse(input);
  if (!parsed.success) throw new ConfigError(parsed.error.issues.flatMap((issue) => problemsOf(issue, input)));
  const problems: Problem[] = [];
  const pipeline = complete(parsed.data, readFile, problems);
  if (problems.length > 0) throw new ConfigError(problems);
  const digest = `sha256:${createHash('sha256').update(canonical(pipeline)).digest('hex')}`;
  return { ...pipeline, digest };
}

/** JSON with sorted keys: the same document has the same digest. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value !== null && typeof value === 'object')
    return `{${Object.entries(value)
      .filter(([, one]) => one !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, one]) => `${JSON.stringify(key)}:${canonical(one)}`)
      .join(',')}}`;
  return JSON.stringify(value);
}

function problemsOf(issue: z.core.$ZodIssue, input: unknown): Problem[] {
  const place = issue.path.join('.');
  if (issue.code === 'unrecognized_keys') {
    const known = [
      ...new Set(
        schemaKeys()
          .filter((key) => matchesPlace(key, issue.path))
          .map((key) => key.split('.').at(-1) ?? ''),
      ),
    ];
    return issue.keys.map((key) => ({ place: place ? `${place}.${key}` : key, message: `unknown key${suggestion(key, known)}` }));
  }
  if (issue.code === 'invalid_value') {
    const given = valueAt(input, issue.path);
    return [
      {
        place,
        message: `unknown value ${JSON.stringify(given)}${suggestion(String(given), issue.values.map(String)) || `; one of ${issue.values.join(', ')}`}`,
      },
    ];
  }
  if (issue.code === 'invalid_type' && valueAt(input, issue.path) === undefined)
    return [{ place, message: `is missing; a ${issue.expected} is needed` }];
  return [{ place, message: issue.message }];
}

function matchesPlace(key: string, path: readonly PropertyKey[]): boolean {
  const parts = key.split('.');
  return parts.length === path.length + 1 && path.every((part, index) => parts[index] === '*' || parts[index] === String(part));
}

const valueAt = (input: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key], input);

/** Fills in what was left out and refuses what does not fit together. */
function complete(config: Parsed, readFile: (path: string) => string, problems: Problem[]): Omit<Pipeline, 'digest'> & { digest: '' } {
  const report = (place: string, message: string) => void problems.push({ place, message });
  const people = Object.fromEntries(
    Object.entries(config.people ?? {}).map(([email, { session, authorAs, groups }]): [string, Person] => [
      email,
      { email, session: session ?? email, authorAs: authorAs ?? [email], groups: groups ?? [] },
    ]),
  );
  const repositories = Object.fromEntries(
    Object.entries(config.repositories).map(([key, { tags, order, platform }]): [string, Repository] => [
      key,
      { name: key, tags, order: order ?? 'push-time', platform: platform ?? 'linux/amd64' },
    ]),
  );
  const builds = Object.fromEntries(
    Object.entries(config.builds ?? {}).map(([key, { buildspec, computeType, image, timeoutMinutes }]): [string, Build] => [
      key,
      {
        name: key,
        buildspec: read(readFile, buildspec, `builds.${key}.buildspec`, report) ?? '',
        computeType: computeType ?? 'BUILD_GENERAL1_SMALL',
        image: image ?? 'aws/codebuild/amazonlinux-aarch64-standard:3.0',
        timeoutMinutes: timeoutMinutes ?? 15,
      },
    ]),
  );
  const environmentNames = Object.keys(config.environments);
  const stages = stagesOf(config, report);
  const groupByService = groupsOf(config.services, Object.keys(repositories), report);
  const services = Object.fromEntries(
    Object.entries(config.services).map(([key, service], index): [string, ServiceDefinition] => [
      key,
      completeService(key, service, index, groupByService.services[key] ?? key, environmentNames, readFile, report),
    ]),
  );
  const environments = Object.fromEntries(
    Object.entries(config.environments).map(([key, environment], index): [string, Environment] => [
      key,
      completeEnvironment(
        key,
        environment,
        index,
        config,
        people,
        stages.find(({ environments: own }) => own.includes(key))?.name ?? '',
        report,
      ),
    ]),
  );
  checkNames(config, report);
  const path = stages.map((stage): Stage => {
    const rules = stage.environments.flatMap((environment) => environments[environment]?.approval ?? []);
    const approval = strictest(rules);
    if (approval && approval.approvers.length < approval.quorum)
      report(
        'path',
        `stage ${stage.name}: no ${approval.quorum} people may approve for all of its environments; let their approvers overlap`,
      );
    return { ...stage, ...(approval ? { approval } : {}) };
  });
  return {
    name: config.name,
    digest: '',
    sites: config.sites,
    people,
    repositories,
    services,
    groups: groupByService.groups,
    environments,
    path,
    builds,
    sweepMinutes: config.sweepMinutes ?? 5,
  };
}

type Report = (place: string, message: string) => void;

function read(readFile: (path: string) => string, file: string, place: string, report: Report): string | undefined {
  try {
    return readFile(file);
  } catch {
    report(place, `there is no file ${file}`);
    return undefined;
  }
}

function stagesOf(config: Parsed, report: Report): Stage[] {
  const known = Object.keys(config.environments);
  const seen = new Set<string>();
  const stages = config.path.map((stage, index): Stage => {
    const environments = typeof stage === 'string' ? [stage] : stage;
    for (const environment of environments) {
      if (!known.includes(environment))
        report(`path[${index}]`, `no environment "${environment}"${suggestion(environment, known)}; there are ${known.join(', ')}`);
      if (seen.has(environment)) report(`path[${index}]`, `"${environment}" is in the path twice`);
      seen.add(environment);
    }
    return { name: environments.join('+'), environments };
  });
  for (const environment of known)
    if (!seen.has(environment)) report(`environments.${environment}`, 'is in no stage of the path; add it there or remove it');
  return stages;
}

function completeService(
  key: string,
  { taskDefinition, containers, web, count }: Parsed['services'][string],
  index: number,
  group: string,
  environments: readonly string[],
  readFile: (path: string) => string,
  report: Report,
): ServiceDefinition {
  const place = `services.${key}`;
  const template = templateOf(taskDefinition, `${place}.taskDefinition`, readFile, report);
  const inTemplate = template.containerDefinitions.map(({ name: container }) => container);
  for (const container of inTemplate)
    if (!(container in containers))
      report(`${place}.containers`, `${taskDefinition} has a container "${container}"; name its repository or image`);
  for (const container of Object.keys(containers))
    if (inTemplate.length > 0 && !inTemplate.includes(container))
      report(`${place}.containers.${container}`, `${taskDefinition} has no such container${suggestion(container, inTemplate)}`);
  if (web && !(web.container in containers))
    report(`${place}.web.container`, `no container "${web.container}"${suggestion(web.container, Object.keys(containers))}`);
  if (typeof count === 'object')
    for (const environment of Object.keys(count))
      if (!environments.includes(environment))
        report(`${place}.count.${environment}`, `no environment "${environment}"${suggestion(environment, environments)}`);
  return {
    name: key,
    group,
    containers: Object.fromEntries(
      Object.entries(containers).map(([container, source]): [string, ContainerSource] => [
        container,
        typeof source === 'string' ? { repository: source } : source,
      ]),
    ),
    template,
    ...(web ? { web: { ...web, graceSeconds: web.graceSeconds ?? 60, priority: index + 1 } } : {}),
    count: Object.fromEntries(
      environments.map((environment) => [environment, typeof count === 'number' ? count : (count?.[environment] ?? 1)]),
    ),
  };
}

/** The only placeholder that a release fills. */
const KNOWN_PLACEHOLDER = '%BUILD_VERSION%';

function templateOf(file: string, place: string, readFile: (path: string) => string, report: Report): TaskDefinitionTemplate {
  const nothing: TaskDefinitionTemplate = { containerDefinitions: [] };
  const text = read(readFile, file, place, report);
  if (text === undefined) return nothing;
  for (const placeholder of new Set(text.match(/%[A-Z][A-Z0-9_]*%/g) ?? []))
    if (placeholder !== KNOWN_PLACEHOLDER)
      report(place, `${file} keeps the placeholder ${placeholder}; only ${KNOWN_PLACEHOLDER} is filled`);
  try {
    const template = JSON.parse(text) as TaskDefinitionTemplate;
    if (Array.isArray(template.containerDefinitions) && template.containerDefinitions.length > 0) return template;
    report(place, `${file} has no containerDefinitions; write it as RegisterTaskDefinition takes it`);
  } catch (error) {
    report(place, `${file} is no JSON: ${(error as Error).message}`);
  }
  return nothing;
}

const STRATEGIES = ['rolling', 'blue-green', 'canary', 'linear'];

function completeEnvironment(
  key: string,
  environment: Parsed['environments'][string],
  index: number,
  config: Parsed,
  people: Readonly<Record<string, Person>>,
  stage: string,
  report: Report,
): Environment {
  const place = `environments.${key}`;
  const sites = Object.keys(config.sites);
  const site = environment.site ?? sites[0] ?? '';
  if (!sites.includes(site)) report(`${place}.site`, `no site "${site}"${suggestion(site, sites)}; there are ${sites.join(', ')}`);
  const strategy = environment.strategy ?? 'rolling';
  if (!STRATEGIES.includes(strategy)) report(`${place}.strategy`, `unknown value "${strategy}"${suggestion(strategy, STRATEGIES)}`);
  else if (strategy !== 'rolling') report(`${place}.strategy`, `"${strategy}" is not there yet; use "rolling"`);
  const services = Object.keys(config.services);
  for (const [number, check] of (environment.checks ?? []).entries())
    if (check.service !== undefined && !services.includes(check.service))
      report(`${place}.checks[${number}].service`, `no service "${check.service}"${suggestion(check.service, services)}`);
  const builds = Object.keys(config.builds ?? {});
  if (environment.build !== undefined && !builds.includes(environment.build))
    report(`${place}.build`, `no build "${environment.build}"${suggestion(environment.build, builds)}`);
  const onDemand = environment.onDemand ? completeOnDemand(environment.onDemand, config.timeZone, `${place}.onDemand`, report) : undefined;
  const { approval } = environment;
  return {
    name: key,
    site,
    stage,
    index,
    ...(onDemand ? { onDemand } : {}),
    strategy: 'rolling',
    failureThreshold: environment.failureThreshold ?? 3,
    verification: {
      http: (environment.checks ?? []).map(({ status, attempts, ...check }) => ({
        ...check,
        status: status ?? 200,
        attempts: attempts ?? 3,
      })),
      ...(environment.build ? { build: environment.build } : {}),
    },
    ...(approval
      ? {
          approval: {
            approvers: approversOf(approval.approvers, people, `${place}.approval.approvers`, report),
            quorum: approval.quorum ?? 1,
            notAuthor: approval.notAuthor ?? false,
            expiresHours: approval.expiresHours ?? 168,
          },
        }
      : {}),
    variables: environment.variables ?? {},
    timeouts: {
      deployMinutes: environment.timeouts?.deployMinutes ?? 30,
      verifyMinutes: environment.timeouts?.verifyMinutes ?? 30,
      turnHours: environment.timeouts?.turnHours ?? 96,
    },
    allow: environment.allow ?? [],
  };
}

function completeOnDemand(
  own: NonNullable<Parsed['environments'][string]['onDemand']>,
  zone: string | undefined,
  place: string,
  report: Report,
): OnDemand {
  const timeZone = own.timeZone ?? zone;
  if (timeZone === undefined) report(`${place}.timeZone`, 'is missing, here and at the top; name a zone such as "Europe/Berlin"');
  else if (!isTimeZone(timeZone))
    report(
      own.timeZone ? `${place}.timeZone` : 'timeZone',
      `there is no time zone "${timeZone}"; a name such as "Europe/Berlin" is needed`,
    );
  if (own.to <= own.from) report(`${place}.to`, `${own.to} is not after ${own.from}: an environment opens and closes on the same day`);
  const days = DAYS[own.days ?? 'monday-friday'] ?? [];
  if (own.to >= '01:00' && own.to < '04:00' && days.includes(7))
    report(
      `${place}.to`,
      `${own.to} does not exist on the Sunday when the clocks go forward in many zones, and Scheduler skips it; take a time outside 01:00–04:00`,
    );
  return {
    hours: { days, from: own.from, to: own.to, timeZone: timeZone ?? 'UTC' },
    depth: own.depth ?? 'cluster',
    outside: own.outside ?? 'wait',
  };
}

function isTimeZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return /^[A-Z]/.test(zone);
  } catch {
    return false;
  }
}

/** E-mail addresses and `group:name`, resolved. */
function approversOf(names: readonly string[], people: Readonly<Record<string, Person>>, place: string, report: Report): string[] {
  const groups = [...new Set(Object.values(people).flatMap((person) => person.groups))];
  const found = names.flatMap((given) => {
    if (given.startsWith('group:')) {
      const members = Object.values(people).filter((person) => person.groups.includes(given.slice(6)));
      if (members.length === 0) report(place, `nobody is in "${given}"${suggestion(given.slice(6), groups)}; give people that group`);
      return members.map(({ email }) => email);
    }
    if (!(given in people)) report(place, `"${given}" is none of the people${suggestion(given, Object.keys(people))}`);
    return [given];
  });
  return [...new Set(found)];
}

/** AWS's limits on names that are put together from ours. */
function checkNames(config: Parsed, report: Report): void {
  const paths = new Map<string, string>();
  for (const [service, { web }] of Object.entries(config.services)) {
    if (!web) continue;
    const other = paths.get(web.path);
    if (other) report(`services.${service}.web.path`, `${web.path} is the path of ${other} too; a request can go to one of them only`);
    paths.set(web.path, service);
    for (const environment of Object.keys(config.environments)) {
      const target = targetGroupName(config.name, environment, service);
      if (target.length > 32)
        report(`services.${service}`, `the target group ${target} has ${target.length} characters, and AWS takes 32; shorten a name`);
    }
  }
  for (const environment of Object.keys(config.environments))
    for (const build of Object.keys(config.builds ?? {}))
      if (buildProject(config.name, environment, build).length > 150)
        report(`builds.${build}`, 'the name is too long for a CodeBuild project');
}
