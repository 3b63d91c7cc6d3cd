/** Groups: services that share repositories, directly or through others, move together. */
import type { Group } from '../pipeline/pipeline.ts';
import { suggestion } from '../text/suggestion.ts';

type Services = Readonly<Record<string, { readonly containers: Readonly<Record<string, string | { readonly image: string }>> }>>;

/**
 * @param report told of containers whose repository is not known, repositories that no service runs, and services without any
 * @returns the groups by name, and each service's
 */
export function groupsOf(
  services: Services,
  repositories: readonly string[],
  report: (place: string, message: string) => void,
): { groups: Readonly<Record<string, Group>>; services: Readonly<Record<string, string>> } {
  /** Each repository's leader: the first by name of those it is joined with. */
  const leader = new Map(repositories.map((repository) => [repository, repository]));
  const find = (repository: string): string => {
    const up = leader.get(repository) ?? repository;
    return up === repository ? up : find(up);
  };
  const used = new Map<string, string[]>();
  // What follows from a name that is misspelt is no problem of its own.
  let misspelt = false;
  for (const [service, { containers }] of Object.entries(services)) {
    const own: string[] = [];
    for (const [container, source] of Object.entries(containers)) {
      if (typeof source !== 'string') continue;
      if (leader.has(source)) own.push(source);
      else {
        misspelt = true;
        report(`services.${service}.containers.${container}`, `no repository "${source}"${suggestion(source, repositories)}`);
      }
    }
    if (own.length === 0 && !Object.values(containers).some((source) => typeof source === 'string'))
      report(`services.${service}.containers`, 'none of its containers runs a repository, so nothing would ever be deployed');
    used.set(service, own);
    for (const repository of own) {
      const [first, second] = [find(own[0] ?? repository), find(repository)].sort();
      if (first !== undefined && second !== undefined) leader.set(second, first);
    }
  }
  for (const repository of repositories)
    if (!misspelt && ![...used.values()].some((own) => own.includes(repository)))
      report(`repositories.${repository}`, 'no service runs it');
  const byService = Object.fromEntries([...used].map(([service, own]) => [service, find(own[0] ?? service)]));
  const groups = Object.fromEntries(
    [...new Set(Object.values(byService))].map((group): [string, Group] => [
      group,
      {
        name: group,
        repositories: repositories.filter((repository) => find(repository) === group),
        services: Object.keys(services).filter((service) => byService[service] === group),
      },
    ]),
  );
  return { groups, services: byService };
}
