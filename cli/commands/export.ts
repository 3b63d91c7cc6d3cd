/** `shiplock export`: complete templates from the task definitions that exist in ECS. */
import type { Command } from 'commander';
import { good, plain, print, printJson, UsageError } from '../terminal/output.ts';
import { type SourceOptions, withExamples, withSource } from './shared/options.ts';

type Options = SourceOptions & { readonly cluster?: string; readonly out?: string; readonly allImages?: boolean };

export function addExport(program: Command): void {
  const command = program
    .command('export')
    .description('templates from what exists in ECS, with %BUILD_VERSION% where the image’s tag was')
    .argument('[name]', 'a family, or a service: of this pipeline, or with --cluster of that')
    .option('--cluster <name>', 'of this cluster: one service, or all')
    .option('--out <folder>', 'a file for each, instead of printing')
    .option('--all-images', 'the placeholder for images outside ECR too');
  withExamples(withSource(command), 'export orders-web > ecs/orders-web.json', 'export --cluster production --out ecs').action(exportAll);
}

async function exportAll(name: string | undefined, options: Options): Promise<void> {
  if (name === undefined && options.cluster === undefined) throw new UsageError('name a family, or a --cluster');
  const { known, openSource } = await import('../connection/source.ts');
  const source = await openSource(options);
  if (source.kind === 'rehearsal')
    throw new UsageError('a rehearsal leaves no ECS; run `shiplock local`, or name an account with --profile');
  const { family } = await import('../../domain/pipeline/names.ts');
  const { Definitions } = await import('../../aws/definitions.ts');
  const { isInEcr, templateOf } = await import('../../domain/task-definition/template.ts');
  const { whileWorking } = await import('../terminal/spinner.ts');
  const ecs = new Definitions(source.connection);
  const wanted = new Map<string, string>();
  if (options.cluster === undefined) wanted.set(name ?? '', name ?? '');
  else {
    known('cluster', options.cluster, await ecs.clusters());
    const services = await whileWorking('reads the cluster…', () => ecs.ofCluster(options.cluster ?? ''));
    if (name !== undefined) known('service', name, [...services.keys()]);
    for (const [service, revision] of services) if (name === undefined || service === name) wanted.set(service, revision);
  }
  const templates: Record<string, Record<string, unknown>> = {};
  for (const [key, revision] of wanted) {
    const found = await firstOf(ecs, [revision, ...(options.cluster === undefined ? familiesOf(source, key, family) : [])]);
    if (found === undefined) throw new UsageError(`no task definition ${plain(revision)} in ECS; for a service, name its --cluster too`);
    const isOurs = (image: string) => options.allImages === true || isInEcr(image);
    templates[key] = templateOf(found.definition, found.tags, isOurs, await filledBy(source, found));
  }
  if (options.out === undefined)
    return printJson(wanted.size === 1 && options.cluster === undefined ? Object.values(templates)[0] : templates);
  const { mkdirSync, writeFileSync } = await import('node:fs');
  const { join } = await import('node:path');
  mkdirSync(options.out, { recursive: true });
  for (const [key, template] of Object.entries(templates)) {
    const file = join(options.out, `${key.replace(/[^\w.-]/g, '_')}.json`);
    writeFileSync(file, `${JSON.stringify(template, null, 2)}\n`);
    print(`${good('✓')} ${file}`);
  }
}

/** Where a service of the pipeline is named instead of a family: its families, the last environment first. */
function familiesOf(
  { pipeline }: import('../connection/source.ts').Source,
  service: string,
  family: (pipeline: string, environment: string, service: string) => string,
): string[] {
  if (!(service in pipeline.services)) return [];
  return Object.keys(pipeline.environments)
    .toReversed()
    .map((environment) => family(pipeline.name, environment, service));
}

/** What this pipeline has filled into a definition of its own. */
async function filledBy(
  { pipeline, ledger }: import('../connection/source.ts').Source,
  { definition, tags }: import('../../aws/definitions.ts').Found,
) {
  const { originOf } = await import('../../domain/task-definition/template.ts');
  const origin = originOf(tags);
  const known: Record<string, string> = {};
  if (origin?.pipeline !== pipeline.name) return { variables: {}, tags: known };
  for (const { image = '' } of definition.containerDefinitions ?? []) {
    const [name = '', digest] = image.split('@');
    const repository = name.slice(name.indexOf('/') + 1);
    const release = digest === undefined ? undefined : await ledger.release(repository, digest);
    if (release && digest !== undefined) known[digest] = release.tag;
  }
  return { variables: pipeline.environments[origin.environment]?.variables ?? {}, tags: known };
}

async function firstOf(ecs: import('../../aws/definitions.ts').Definitions, candidates: readonly string[]) {
  for (const candidate of candidates) {
    const found = await ecs.find(candidate);
    if (found) return found;
  }
  return undefined;
}
