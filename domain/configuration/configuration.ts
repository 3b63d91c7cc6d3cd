/** From `shiplock.config.ts` to the complete pipeline: defaults filled in, files read, everything that does not fit together refused. */
import { createHash } from 'node:crypto';
import { strictest } from '../approval/approval.ts';
import { clockChange } from '../environment/hours.ts';
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
} from '../pipeline/pipeline.ts';
import { shiftingOf } from '../rollout/choice.ts';
import { shiftMinutes } from '../rollout/strategy.ts';
import type { Problem } from '../text/problem.ts';
import { suggestion } from '../text/suggestion.ts';
import { buildspecFaults } from './buildspec.ts';
import { checkNames, checkPaths, checkSessions } from './collisions.ts';
import { checkSharedGates, completeDatabases, databasesIn } from './databases.ts';
import { groupsOf } from './groups.ts';
import { jsonFault } from './json.ts';
import { checkAllowances, checkDirection, checkPrefixes, checkSize, checkWaits, turnHoursNeeded } from './limits.ts';
import { checkAddresses, unmetBy } from './people.ts';
import { ConfigError, problemsOf } from './problems.ts';
import { checkRegions } from './regions.ts';
import { checkRenderings, type TemplateFile } from './rendering.ts';
import { DAYS, type Parsed, type PipelineConfig, schema } from './schema.ts';
import { completeStrategy } from './strategy.ts';
import { checkPlatforms, checkTags } from './tags.ts';
import { formOf } from './template-form.ts';

export { ConfigError };

/** Types a configuration. */
export const definePipeline = (config: PipelineConfig): PipelineConfig => config;

/**
 * @param input what `shiplock.config.ts` exports
 * @param readFile reads a file named in it, by its path relative to the configuration
 * @throws ConfigError with all that is wrong
 */
export function parsePipeline(input: unknown, readFile: (path: string) => string): Pipeline {
  const parsed = schema.safeParse(input);
  if (!parsed.success) throw new ConfigError(parsed.error.issues.flatMap((issue) => problemsOf(issue, input)));
  const problems: Problem[] = [];
  const templates = new Map<string, TemplateFile>();
  const pipeline = complete(parsed.data, readFile, templates, problems);
  const isSound = (place: string) => !problems.some((problem) => problem.place === place || problem.place.startsWith(`${place}.`));
  const found: Problem[] = [];
  checkRenderings(pipeline, isSound, templates, (place, message) => void found.push({ place, message }));
  problems.push(...found);
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

/** Fills in what was left out and refuses what does not fit together. */
function complete(
  config: Parsed,
  readFile: (path: string) => string,
  templates: Map<string, TemplateFile>,
  problems: Problem[],
): Omit<Pipeline, 'digest'> & { digest: '' } {
  const report = (place: string, message: string) => void problems.push({ place, message });
  const people = Object.fromEntries(
    Object.entries(config.people ?? {}).map(([email, { session, authorAs, groups }]): [string, Person] => [
      email,
      { email, session: session ?? email, authorAs: authorAs ?? [email], groups: groups ?? [] },
    ]),
  );
  checkSessions(people, report);
  checkAddresses(people, report);
  checkRegions(config, report);
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
        buildspec: buildspecOf(buildspec, `builds.${key}.buildspec`, readFile, report),
        computeType: computeType ?? 'BUILD_GENERAL1_SMALL',
        image: image ?? 'aws/codebuild/amazonlinux-aarch64-standard:3.0',
        timeoutMinutes: timeoutMinutes ?? 15,
      },
    ]),
  );
  const environmentNames = Object.keys(config.environments);
  const stages = stagesOf(config, report);
  const templateAt: TemplateAt = (file, place) => templateOf(file, place, readFile, templates, report);
  const groupByService = groupsOf(config.services, Object.keys(repositories), report);
  const services = Object.fromEntries(
    Object.entries(config.services).map(([key, service], index): [string, ServiceDefinition] => [
      key,
      completeService(key, service, index, groupByService.services[key] ?? key, environmentNames, templateAt, report),
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
  const databases = completeDatabases(config, templateAt, report);
  checkStrategies(Object.values(services), Object.values(environments), report);
  checkPaths(config, report);
  checkNames(config, report);
  checkSize(config, report);
  checkPrefixes(config, report);
  checkTags(repositories, report);
  checkPlatforms(repositories, report);
  checkAllowances(environments, report);
  checkDirection(stages, report);
  // What follows from a name that nobody has is no problem of its own.
  const isGateWrong = problems.some(({ place }) => /\.approval\.(approvers|quorum)$/.test(place));
  const path = stages.map((stage): Stage => {
    const rules = stage.environments.flatMap((environment) => environments[environment]?.approval ?? []);
    const approval = strictest(rules);
    if (!isGateWrong && approval && approval.approvers.length < approval.quorum)
      report(
        'path',
        `stage ${stage.name}: no ${approval.quorum} people may approve for all of its environments; let their approvers overlap`,
      );
    else if (!isGateWrong && approval && unmetBy(approval))
      report('path', `stage ${stage.name}, all its environments together: ${unmetBy(approval)}`);
    return { ...stage, ...(approval ? { approval } : {}) };
  });
  if (!isGateWrong) checkSharedGates({ path, databases, environments }, report);
  checkWaits(path, environments, report);
  return {
    name: config.name,
    digest: '',
    timeZone: zoneOf(config.timeZone, environments, report),
    sites: config.sites,
    people,
    repositories,
    services,
    groups: groupByService.groups,
    environments,
    path,
    builds,
    databases,
    notifications: {
      email: [...new Set(config.notifications?.email ?? [])],
      ...(config.notifications?.slack ? { slack: config.notifications.slack.webhook } : {}),
      ...(config.notifications?.teams ? { teams: config.notifications.teams.webhook } : {}),
    },
    sweepMinutes: config.sweepMinutes ?? 5,
  };
}

/** Minutes. A teardown waits eight hours for its turn, and what comes after the pause has one of them. */
const PAUSE_BEFORE_SLEEP = 420;
/** Minutes that a teardown waits for its turn. */
const SHIFT_BEFORE_SLEEP = 480;

/** What a strategy that shifts traffic asks of its environment. */
function checkStrategies(services: readonly ServiceDefinition[], environments: readonly Environment[], report: Report): void {
  for (const environment of environments)
    for (const service of services) {
      const shifting = shiftingOf(environment, service);
      if (shifting === undefined) continue;
      const place = service.strategy[environment.name]
        ? `services.${service.name}.strategy.${environment.name}`
        : `environments.${environment.name}.strategy`;
      if (environment.onDemand && shifting.pauseMinutes > PAUSE_BEFORE_SLEEP)
        report(
          `${place}.pauseMinutes`,
          `${shifting.pauseMinutes}${shifting.confirm ? ' (a day with `confirm`, where nothing is said)' : ''} is more than ${PAUSE_BEFORE_SLEEP}: ${environment.name} is on demand, and its teardown waits at most eight hours for what is under way`,
        );
      else if (environment.onDemand && shifting.pauseMinutes + shiftMinutes(shifting) > SHIFT_BEFORE_SLEEP)
        report(
          place,
          `pauseMinutes (${shifting.pauseMinutes}), steps and bake (${shiftMinutes(shifting)}) together are more than ${SHIFT_BEFORE_SLEEP} minutes: ${environment.name} is on demand, and its teardown waits at most eight hours for what is under way`,
        );
      if (shifting.confirm && environment.approval === undefined)
        report(`${place}.confirm`, `nobody may confirm: ${environment.name} has no approvers; give it \`approval\``);
    }
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

function buildspecOf(file: string, place: string, readFile: (path: string) => string, report: Report): string {
  const text = read(readFile, file, place, report);
  if (text === undefined) return '';
  for (const fault of buildspecFaults(text))
    report(place, `${file}${fault.startsWith(':') || fault.startsWith(' ') ? fault : `:${fault}`}`);
  return text;
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
    return { name: environments.join('+'), environments: environments.filter((environment) => known.includes(environment)) };
  });
  // Where one is misspelt, the one that is meant is not missing.
  if (seen.size > 0 && [...seen].every((environment) => known.includes(environment)))
    for (const environment of known.filter((one) => !seen.has(one)))
      report(`environments.${environment}`, 'is in no stage of the path; add it there or remove it');
  return stages;
}

function completeService(
  key: string,
  { taskDefinition, containers, web, count, strategy = {} }: Parsed['services'][string],
  index: number,
  group: string,
  environments: readonly string[],
  templateAt: TemplateAt,
  report: Report,
): ServiceDefinition {
  const place = `services.${key}`;
  const template = templateAt(taskDefinition, `${place}.taskDefinition`);
  const inTemplate = template.containerDefinitions.map(({ name: container }) => container);
  for (const [position, container] of inTemplate.entries())
    if (inTemplate.indexOf(container) !== position)
      report(`${place}.taskDefinition`, `${taskDefinition} has two containers "${container}"`);
    else if (!Object.hasOwn(containers, container))
      report(`${place}.containers`, `${taskDefinition} has a container "${container}"; name its repository or image`);
  for (const container of Object.keys(containers))
    if (inTemplate.length > 0 && !inTemplate.includes(container))
      report(`${place}.containers.${container}`, `${taskDefinition} has no such container${suggestion(container, inTemplate)}`);
  if (web && !Object.hasOwn(containers, web.container))
    report(`${place}.web.container`, `no container "${web.container}"${suggestion(web.container, Object.keys(containers))}`);
  if (typeof count === 'object')
    for (const environment of Object.keys(count))
      if (!environments.includes(environment))
        report(`${place}.count.${environment}`, `no environment "${environment}"${suggestion(environment, environments)}`);
  for (const environment of Object.keys(strategy))
    if (!environments.includes(environment))
      report(`${place}.strategy.${environment}`, `no environment "${environment}"${suggestion(environment, environments)}`);
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
    strategy: Object.fromEntries(
      Object.entries(strategy).map(([environment, written]) => [
        environment,
        completeStrategy(written, `${place}.strategy.${environment}`, report),
      ]),
    ),
  };
}

/** Reads a task definition, and reports at the place given. */
type TemplateAt = (file: string, place: string) => TaskDefinitionTemplate;

function templateOf(
  file: string,
  place: string,
  readFile: (path: string) => string,
  templates: Map<string, TemplateFile>,
  report: Report,
): TaskDefinitionTemplate {
  const nothing: TaskDefinitionTemplate = { containerDefinitions: [] };
  const text = read(readFile, file, place, report)?.replace(BYTE_ORDER_MARK, '');
  if (text === undefined) return nothing;
  const fault = jsonFault(text);
  if (fault !== undefined) {
    report(place, `${file}:${fault.line}:${fault.column} is no JSON: ${fault.message}`);
    return nothing;
  }
  templates.set(place, { file, text });
  const template = JSON.parse(text) as TaskDefinitionTemplate;
  const containers: unknown = template?.containerDefinitions;
  if (!Array.isArray(containers) || containers.length === 0) report(place, `${file} ${formOf(template)}`);
  else if (containers.some((container) => typeof container?.name !== 'string'))
    report(place, `${file} has a container without a name; write it as RegisterTaskDefinition takes it`);
  else return template;
  return nothing;
}

/** Some editors begin a file with it. */
const BYTE_ORDER_MARK = /^\uFEFF/;

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
  const strategy = completeStrategy(environment.strategy ?? 'rolling', `${place}.strategy`, report);
  const services = Object.keys(config.services);
  for (const [number, { service }] of (environment.checks ?? []).entries()) {
    if (service === undefined) continue;
    if (!services.includes(service))
      report(`${place}.checks[${number}].service`, `no service "${service}"${suggestion(service, services)}`);
    else if (config.services[service]?.web === undefined)
      report(
        `${place}.checks[${number}].service`,
        `${service} has no \`web\`, so no request reaches it; give it one, or check another service`,
      );
  }
  const builds = Object.keys(config.builds ?? {});
  if (environment.build !== undefined && !builds.includes(environment.build))
    report(`${place}.build`, `no build "${environment.build}"${suggestion(environment.build, builds)}`);
  const onDemand = environment.onDemand ? completeOnDemand(environment.onDemand, config.timeZone, `${place}.onDemand`, report) : undefined;
  const turnHours = environment.timeouts?.turnHours ?? 96;
  if (onDemand?.outside === 'wait' && onDemand.hours.from < onDemand.hours.to) {
    const needed = turnHoursNeeded(onDemand.hours);
    if (turnHours < needed)
      report(
        `${place}.timeouts.turnHours`,
        `${turnHours} is shorter than the longest night or weekend, and \`outside: 'wait'\` would refuse a late push before ${key} opens; make it ${needed} or more`,
      );
  }
  const { approval } = environment;
  const approvers = approversOf(approval?.approvers ?? [], people, `${place}.approval.approvers`, report);
  const unmet = unmetBy({ approvers, quorum: approval?.quorum ?? 1, notAuthor: approval?.notAuthor ?? false, expiresHours: 0 });
  if (approvers.length > 0 && unmet) report(`${place}.approval.quorum`, unmet);
  return {
    name: key,
    site,
    stage,
    index,
    ...(onDemand ? { onDemand } : {}),
    strategy,
    failureThreshold: (environment.failureThreshold ?? 3) as Environment['failureThreshold'],
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
            approvers,
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
      turnHours,
    },
    databases: databasesIn(config, key, report),
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
  else if (own.timeZone !== undefined && !isTimeZone(timeZone)) report(`${place}.timeZone`, noZone(timeZone));
  if (own.to <= own.from) report(`${place}.to`, `${own.to} is not after ${own.from}: an environment opens and closes on the same day`);
  const days = DAYS[own.days ?? 'monday-friday'] ?? [];
  if (timeZone !== undefined && isTimeZone(timeZone))
    for (const end of ['from', 'to'] as const) {
      const change = clockChange(timeZone, days, own[end]);
      if (change)
        report(
          `${place}.${end}`,
          `${own[end]} ${change.how === 'skipped' ? 'is skipped' : 'comes twice'} on ${change.date}, when the clocks of ${timeZone} change; take a time that each of these days has once`,
        );
    }
  return {
    hours: { days, from: own.from, to: own.to, timeZone: timeZone ?? 'UTC' },
    depth: own.depth ?? 'cluster',
    outside: own.outside ?? 'wait',
  };
}

function zoneOf(given: string | undefined, environments: Pipeline['environments'], report: Report): string {
  if (given !== undefined && !isTimeZone(given)) report('timeZone', noZone(given));
  return given ?? Object.values(environments).find(({ onDemand }) => onDemand)?.onDemand?.hours.timeZone ?? 'UTC';
}

const noZone = (zone: string) => `there is no time zone "${zone}"; a name such as "Europe/Berlin" is needed`;

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
    if (!Object.hasOwn(people, given)) report(place, `"${given}" is none of the people${suggestion(given, Object.keys(people))}`);
    return [given];
  });
  return [...new Set(found)];
}
