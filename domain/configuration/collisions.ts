/** What two things of a pipeline would share, and must not: sessions, names in AWS, requests. */

import { buildProject, family, migrationService, promotionExecution, releaseExecution } from '../pipeline/names.ts';
import type { Person } from '../pipeline/pipeline.ts';
import type { Parsed } from './schema.ts';

type Report = (place: string, message: string) => void;

/** A signature proves a session name: two people of the same could decide for each other. */
export function checkSessions(people: Readonly<Record<string, Person>>, report: Report): void {
  const owners = new Map<string, string>();
  for (const { email, session } of Object.values(people)) {
    const other = owners.get(session);
    if (other !== undefined)
      report(
        `people.${email}.session`,
        `"${session}" is the session of ${other} too, and nobody could tell them apart; give each their own`,
      );
    owners.set(session, email);
  }
}

/** AWS's limits on names that are put together from ours, and names that would be put together the same. */
export function checkNames(config: Parsed, report: Report): void {
  const families = new Map<string, string>();
  const projects = new Map<string, string>();
  if (`${config.name}-`.startsWith('internal-'))
    report('name', `"${config.name}": AWS takes no load balancer whose name begins with "internal-"; take another name`);
  for (const environment of Object.keys(config.environments)) {
    // A repository may have a name of any length, so the longest decides.
    const execution = promotionExecution(environment, releaseExecution('x'.repeat(256), `sha256:${'0'.repeat(64)}`, 99));
    if (execution.length > 80)
      report(
        `environments.${environment}`,
        `the name has ${environment.length} characters, and the names of promotions leave it ${environment.length - (execution.length - 80)}; shorten it`,
      );
    for (const database of Object.keys(config.databases ?? {}))
      families.set(family(config.name, environment, migrationService(database)), `the migration of ${database} in ${environment}`);
    for (const service of Object.keys(config.services)) {
      const own = family(config.name, environment, service);
      const other = families.get(own);
      if (other !== undefined)
        report(`services.${service}`, `in ${environment} it would be called ${own}, as ${other}; rename one of them`);
      families.set(own, `${service} in ${environment}`);
    }
    const { build } = config.environments[environment] ?? {};
    if (build === undefined) continue;
    const project = buildProject(config.name, environment, build);
    const other = projects.get(project);
    if (other !== undefined)
      report(
        `environments.${environment}.build`,
        `its CodeBuild project would be called ${project}, as ${other}; rename one of the builds`,
      );
    projects.set(project, `that of ${build} in ${environment}`);
    if (project.length > 150) report(`builds.${build}`, 'the name is too long for a CodeBuild project');
  }
}

/** Rules are asked in the order of the services: one that stands behind a wider one never gets a request. */
export function checkPaths(config: Parsed, report: Report): void {
  const before: { readonly service: string; readonly path: string }[] = [];
  for (const [service, { web }] of Object.entries(config.services)) {
    if (!web) continue;
    const same = before.find(({ path }) => path === web.path);
    const wider = before.find(({ path }) => path !== web.path && covers(path, web.path));
    if (same)
      report(`services.${service}.web.path`, `${web.path} is the path of ${same.service} too; a request can go to one of them only`);
    else if (wider)
      report(
        `services.${service}.web.path`,
        `${wider.path} of ${wider.service} is asked first and takes every request of ${web.path}; put ${service} before ${wider.service}`,
      );
    before.push({ service, path: web.path });
  }
}

/** Whether a pattern of a plain beginning and one `*` at its end matches all that another one matches. */
const covers = (wide: string, narrow: string) => /^[^*?]*\*$/.test(wide) && narrow.startsWith(wide.slice(0, -1));
