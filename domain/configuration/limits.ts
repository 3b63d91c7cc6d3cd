/** What one template, one load balancer and one policy hold: refused by `check`, before a synthesis or AWS would. */
import type { Hours, Pipeline, Stage } from '../pipeline/pipeline.ts';
import type { Parsed } from './schema.ts';

type Report = (place: string, message: string) => void;

/** A stack may have 500 resources; this leaves room for what the CDK adds. https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html */
export const RESOURCES_PER_STACK = 480;

/** Target groups of a load balancer, which AWS raises for nobody, and rules of its listeners together. https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html */
export const TARGETS_PER_LOAD_BALANCER = 100;

/** Rules that let in, of a security group. https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html */
export const PORTS_PER_ENVIRONMENT = 60;

/** Up to so many services a policy names every family; of more it names the prefix, as IAM takes 10,240 characters for a role. */
export const FAMILIES_BY_NAME = 30;

/** The policy of whoever deploys names the deploy role of each. */
export const ENVIRONMENTS_PER_PIPELINE = 100;

/**
 * At most so many resources are in the stack of an environment: a log for each service, target group and parameter for a web service,
 * as many again and four alarms where its traffic shifts, and what all share.
 */
export const resourcesOf = (services: number, web: number, shifting = 0): number => 40 + services + 2 * web + 6 * shifting;

/** How many of an environment's web services need a second target group and a rule at the test listener. */
function shiftingIn(config: Parsed, environment: string): number {
  const kindOf = (strategy: unknown) =>
    typeof strategy === 'object' && strategy !== null ? (strategy as { kind?: unknown }).kind : strategy;
  const common = kindOf(config.environments[environment]?.strategy) ?? 'rolling';
  return Object.values(config.services).filter(({ web, strategy }) => web && (kindOf(strategy?.[environment]) ?? common) !== 'rolling')
    .length;
}

export function checkSize(config: Parsed, report: Report): void {
  const services = Object.values(config.services);
  const web = services.filter((service) => service.web !== undefined).length;
  const ports = new Set(services.flatMap((service) => service.web?.port ?? [])).size;
  if (ports > PORTS_PER_ENVIRONMENT)
    report('services', `they listen on ${ports} ports, and a security group opens ${PORTS_PER_ENVIRONMENT}; let services share ports`);
  // Said once, by the environment that needs most.
  const most = Object.keys(config.environments)
    .map((environment) => ({ environment, shifting: shiftingIn(config, environment) }))
    .toSorted((a, b) => b.shifting - a.shifting)[0];
  const { environment = '', shifting = 0 } = most ?? {};
  const twice = shifting > 0 ? `, ${shifting} of them two in ${environment}, where their traffic shifts,` : '';
  if (web + shifting > TARGETS_PER_LOAD_BALANCER)
    report(
      'services',
      `${web} have \`web\` and need a target group each${twice} and the load balancer of an environment has ${TARGETS_PER_LOAD_BALANCER}, which AWS raises for nobody; ${shifting > 0 ? 'let some be rolled, or ' : ''}make several pipelines`,
    );
  const resources = resourcesOf(services.length, web, shifting);
  if (resources > RESOURCES_PER_STACK)
    report(
      'services',
      `${services.length}, ${web} of them with \`web\`${shifting > 0 ? ` and ${shifting} whose traffic shifts in ${environment}` : ''}, make ${resources} resources in the stack of an environment, and a stack holds ${RESOURCES_PER_STACK}; make several pipelines`,
    );
  const environments = Object.keys(config.environments).length;
  if (environments > ENVIRONMENTS_PER_PIPELINE)
    report(
      'environments',
      `there are ${environments}, and the policies of a pipeline have room for ${ENVIRONMENTS_PER_PIPELINE}; make several pipelines`,
    );
  const sites = Object.keys(config.sites);
  if (sites.length !== 1)
    report(
      'sites',
      `${sites.length === 0 ? 'there is none' : `there are ${sites.join(', ')}`}; a pipeline has one site so far. Make one pipeline for each site`,
    );
}

/** With very many services a policy says `acme-test-*`, which would also mean the families of an environment `test-eu`. */
export function checkPrefixes(config: Parsed, report: Report): void {
  const services = Object.keys(config.services).length;
  if (services <= FAMILIES_BY_NAME) return;
  const environments = Object.keys(config.environments);
  for (const environment of environments) {
    const prefix = environments.find((other) => environment.startsWith(`${other}-`));
    if (prefix !== undefined)
      report(
        `environments.${environment}`,
        `begins with the name of ${prefix}, and with more than ${FAMILIES_BY_NAME} services (${services}) whoever deploys to ${prefix} could deploy to it; let the names begin differently, such as ${environment.slice(prefix.length + 1)}-${prefix}`,
      );
  }
}

/**
 * Hours that a turn must be able to wait where a push after hours waits for the morning: the longest night or weekend,
 * one hour for a change of the clocks, and one for the wake.
 */
export function turnHoursNeeded({ days, from, to }: Pick<Hours, 'days' | 'from' | 'to'>): number {
  const hours = (time: string) => Number(time.slice(0, 2)) + Number(time.slice(3, 5)) / 60;
  const sorted = days.toSorted((a, b) => a - b);
  const gaps = sorted.map((day, index) => ((sorted[(index + 1) % sorted.length] ?? day) - day + 7) % 7 || 7);
  return Math.ceil(Math.max(...gaps) * 24 - (hours(to) - hours(from))) + 2;
}

/** An execution of Step Functions ends after a year. https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html */
const YEAR_HOURS = 8760;

/** What a release may wait at gates and for turns, all stages together, has to fit into the execution that waits. */
export function checkWaits(path: readonly Stage[], environments: Pipeline['environments'], report: Report): void {
  if (!path.some(({ approval }) => approval)) return;
  const hours = path.reduce(
    (sum, { approval, environments: own }) =>
      sum + (approval?.expiresHours ?? 0) + Math.max(0, ...own.map((name) => environments[name]?.timeouts.turnHours ?? 0)),
    0,
  );
  if (hours > YEAR_HOURS)
    report(
      'path',
      `a release may wait ${hours} hours at gates and for turns (\`expiresHours\`, \`turnHours\`), and its execution ends after a year, ${YEAR_HOURS} hours; shorten them`,
    );
}

/** Names by which people know what customers use, and what comes before it. */
const LIVE = /^(live|prod|production|prd)$/;
const BEFORE = /^(test|testing|dev|development|int|integration|qa|uat|beta|staging|stage|stg|preprod|pre-prod)$/;

/** A path that is written the wrong way round would bring whatever is pushed to customers first. */
export function checkDirection(path: readonly Stage[], report: Report): void {
  const live = path.findIndex(({ environments }) => environments.some((name) => LIVE.test(name)));
  const later = path.slice(live + 1).flatMap(({ environments }) => environments.filter((name) => BEFORE.test(name)));
  if (live >= 0 && later.length > 0)
    report(
      `path[${live}]`,
      `${path[live]?.name} comes before ${later.join(', ')}: what is pushed would reach customers before it is tested; the path begins where a release goes first`,
    );
}

/** What no task on Fargate can have, whatever an environment allows. */
const NEVER_ON_FARGATE = ['privileged', 'host-network', 'host-volumes'];

export function checkAllowances(environments: Pipeline['environments'], report: Report): void {
  for (const { name, allow } of Object.values(environments))
    for (const [index, field] of allow.entries())
      if (NEVER_ON_FARGATE.includes(field))
        report(
          `environments.${name}.allow[${index}]`,
          `"${field}" allows nothing: services run on Fargate, which refuses it always; take it out`,
        );
}
