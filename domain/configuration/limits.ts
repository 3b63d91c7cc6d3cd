/** What one template, one load balancer and one policy hold: refused by `check`, before a synthesis or AWS would. */
import type { Hours } from '../pipeline/pipeline.ts';
import type { Parsed } from './schema.ts';

type Report = (place: string, message: string) => void;

/** A stack may have 500 resources; this leaves room for what the CDK adds. https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html */
export const RESOURCES_PER_STACK = 480;

/** A load balancer's quota. https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html */
export const WEB_SERVICES_PER_ENVIRONMENT = 100;

/** Rules that let in, of a security group. https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html */
export const PORTS_PER_ENVIRONMENT = 60;

/** Up to so many services a policy names every family; of more it names the prefix, as IAM takes 10,240 characters for a role. */
export const FAMILIES_BY_NAME = 30;

/** The policy of whoever deploys names the deploy role of each. */
export const ENVIRONMENTS_PER_PIPELINE = 100;

/** At most so many resources are in the stack of an environment: a log for each service, target group and parameter for a web service, and what all share. */
export const resourcesOf = (services: number, web: number): number => 40 + services + 2 * web;

export function checkSize(config: Parsed, report: Report): void {
  const services = Object.values(config.services);
  const web = services.filter((service) => service.web !== undefined).length;
  if (web > WEB_SERVICES_PER_ENVIRONMENT)
    report(
      'services',
      `${web} of them have \`web\`, and the load balancer of an environment leads to ${WEB_SERVICES_PER_ENVIRONMENT}; make several pipelines`,
    );
  const ports = new Set(services.flatMap((service) => service.web?.port ?? [])).size;
  if (ports > PORTS_PER_ENVIRONMENT)
    report('services', `they listen on ${ports} ports, and a security group opens ${PORTS_PER_ENVIRONMENT}; let services share ports`);
  const resources = resourcesOf(services.length, web);
  if (resources > RESOURCES_PER_STACK)
    report(
      'services',
      `${services.length}, ${web} of them with \`web\`, make ${resources} resources in the stack of an environment, and a stack holds ${RESOURCES_PER_STACK}; make several pipelines`,
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
