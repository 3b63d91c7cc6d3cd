/** The databases of a configuration: what they bring is read, and what does not fit together refused. */
import { approvalOf } from '../database/databases.ts';
import type { ContainerSource, Database, Environment, Pipeline, TaskDefinitionTemplate } from '../pipeline/pipeline.ts';
import { suggestion } from '../text/suggestion.ts';
import type { Parsed } from './schema.ts';

type Report = (place: string, message: string) => void;

/** @param templateAt reads a task definition, and reports at the place given */
export function completeDatabases(
  config: Parsed,
  templateAt: (file: string, place: string) => TaskDefinitionTemplate,
  report: Report,
): Record<string, Database> {
  return Object.fromEntries(
    Object.entries(config.databases ?? {}).map(([name, { taskDefinition, containers, command, timeoutMinutes }]): [string, Database] => {
      const place = `databases.${name}`;
      const template = templateAt(taskDefinition, `${place}.taskDefinition`);
      const inTemplate = template.containerDefinitions.map((container) => container.name);
      for (const container of inTemplate)
        if (!Object.hasOwn(containers, container))
          report(`${place}.containers`, `${taskDefinition} has a container "${container}"; name its repository or image`);
      for (const container of Object.keys(containers))
        if (inTemplate.length > 0 && !inTemplate.includes(container))
          report(`${place}.containers.${container}`, `${taskDefinition} has no such container${suggestion(container, inTemplate)}`);
      const released = Object.entries(containers).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
      const [[migrating, repository] = ['', '']] = released;
      if (released.length !== 1)
        report(
          `${place}.containers`,
          `one container runs what a repository releases, and the others a fixed image; here are ${released.length}`,
        );
      else if (!Object.hasOwn(config.repositories, repository))
        report(
          `${place}.containers.${migrating}`,
          `no repository "${repository}"${suggestion(repository, Object.keys(config.repositories))}`,
        );
      return [
        name,
        {
          name,
          repository,
          containers: Object.fromEntries(
            Object.entries(containers).map(([container, source]): [string, ContainerSource] => [
              container,
              typeof source === 'string' ? { repository: source } : source,
            ]),
          ),
          template: {
            ...template,
            containerDefinitions: template.containerDefinitions.map((container) =>
              command && container.name === migrating ? { ...container, command } : container,
            ),
          },
          timeoutMinutes: timeoutMinutes ?? 15,
        },
      ];
    }),
  );
}

/** Whose database an environment uses, of each: its own, another environment's, or none. */
export function databasesIn(config: Parsed, key: string, report: Report): Record<string, string> {
  const own = config.environments[key]?.databases ?? {};
  const known = Object.keys(config.databases ?? {});
  for (const [database, whose] of Object.entries(own)) {
    const place = `environments.${key}.databases.${database}`;
    if (!known.includes(database)) report(place, `no database "${database}"${suggestion(database, known)}`);
    if (whose === false || whose === key) continue;
    const owner = config.environments[whose];
    if (owner === undefined) {
      const environments = Object.keys(config.environments);
      report(place, `no environment "${whose}"${suggestion(whose, environments)}; there are ${environments.join(', ')}`);
    } else if ((owner.databases?.[database] ?? whose) !== whose)
      report(place, `${whose} has no ${database} of its own; name the environment that it belongs to`);
    else if (owner.onDemand && (owner.onDemand.depth ?? 'cluster') === 'cluster')
      report(place, `${whose} is deleted at night, and nothing could be migrated there; share the database of an environment that stays`);
  }
  return Object.fromEntries(
    known.flatMap((database): [string, string][] => {
      const whose = own[database] ?? key;
      return whose === false ? [] : [[database, whose]];
    }),
  );
}

/** A gate that nobody could open: those who share a database ask different people. */
export function checkSharedGates(
  pipeline: Pick<Pipeline, 'path' | 'databases'> & { readonly environments: Readonly<Record<string, Environment>> },
  report: Report,
): void {
  for (const { name: stage } of pipeline.path)
    for (const { name, repository } of Object.values(pipeline.databases)) {
      const rule = approvalOf(pipeline as Pipeline, stage, repository);
      if (rule && rule.approvers.length < rule.quorum)
        report(
          `databases.${name}`,
          `a release of ${repository} that enters ${stage} migrates what others share, and no ${rule.quorum} people may approve for all of them; let their approvers overlap`,
        );
    }
}
