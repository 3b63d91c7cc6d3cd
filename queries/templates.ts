/** Templates of task definitions that exist in ECS: of a family, a service, or all services of a cluster. */
import { Definitions, type Found } from '../aws/definitions.ts';
import { family } from '../domain/pipeline/names.ts';
import { isInEcr, originOf, templateOf } from '../domain/task-definition/template.ts';
import { QueryError } from './errors.ts';
import { known } from './names.ts';
import type { Readers } from './readers.ts';

export interface TemplatesWanted {
  /** A family, or a service: of the pipeline, or of the cluster. */
  readonly name?: string;
  readonly cluster?: string;
  /** The placeholder for the tags of images outside ECR too. */
  readonly allImages: boolean;
}

/**
 * @returns templates by family or service
 * @throws QueryError for what is not in ECS, or where there is no ECS to ask
 */
export async function templatesOf(readers: Readers, wanted: TemplatesWanted): Promise<Record<string, Record<string, unknown>>> {
  if (readers.connection === undefined)
    throw new QueryError('a rehearsal leaves no ECS; run `shiplock local`, or name an account with --profile');
  const ecs = new Definitions(readers.connection);
  const isOurs = (image: string) => wanted.allImages || isInEcr(image);
  const templates: Record<string, Record<string, unknown>> = {};
  for (const [key, revisions] of await candidatesOf(readers, ecs, wanted)) {
    const found = await firstOf(ecs, revisions);
    if (found === undefined) throw new QueryError(`no task definition ${revisions[0]} in ECS; for a service, name its --cluster too`);
    templates[key] = templateOf(found.definition, found.tags, isOurs, await filledBy(readers, found));
  }
  return templates;
}

/** Which revisions or families to look for, by what they are wanted for; the first that is there counts. */
async function candidatesOf(
  { pipeline }: Readers,
  ecs: Definitions,
  { name, cluster }: TemplatesWanted,
): Promise<Map<string, readonly string[]>> {
  if (cluster === undefined) return new Map([[name ?? '', [name ?? '', ...familiesOf(pipeline, name ?? '')]]]);
  known('cluster', cluster, await ecs.clusters());
  const services = await ecs.ofCluster(cluster);
  if (name !== undefined) known('service', name, [...services.keys()]);
  return new Map([...services].filter(([service]) => name === undefined || service === name).map(([service, one]) => [service, [one]]));
}

/** Where a service of the pipeline is named instead of a family: its families, the last environment first. */
const familiesOf = ({ name, services, environments }: Readers['pipeline'], service: string): string[] =>
  service in services
    ? Object.keys(environments)
        .toReversed()
        .map((environment) => family(name, environment, service))
    : [];

/** What this pipeline has filled into a definition of its own. */
async function filledBy({ pipeline, ledger }: Readers, { definition, tags }: Found) {
  const origin = originOf(tags);
  const releases: Record<string, string> = {};
  if (origin?.pipeline !== pipeline.name) return { variables: {}, tags: releases };
  for (const { image = '' } of definition.containerDefinitions ?? []) {
    const [name = '', digest] = image.split('@');
    const repository = name.slice(name.indexOf('/') + 1);
    const release = digest === undefined ? undefined : await ledger.release(repository, digest);
    if (release && digest !== undefined) releases[digest] = release.tag;
  }
  return { variables: pipeline.environments[origin.environment]?.variables ?? {}, tags: releases };
}

async function firstOf(ecs: Definitions, candidates: readonly string[]): Promise<Found | undefined> {
  for (const candidate of candidates) {
    const found = await ecs.find(candidate);
    if (found) return found;
  }
  return undefined;
}
