/** Renders everything that a promotion would register, in every environment, and reports all that would be refused: what passes here, no promotion refuses. */
import { homesOf } from '../database/databases.ts';
import { atDatabase, serviceOf } from '../database/migration.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import { foundationPlaceholder, repositoryUris } from '../promotion/planned-requests.ts';
import type { Release } from '../release/release.ts';
import { refusalsBefore } from '../task-definition/judgement.ts';
import { type Refusal, refusalText } from '../task-definition/rendering.ts';
import { linesOf } from './json.ts';

type Report = (place: string, message: string) => void;

/** As long as a tag may be, so that what is put together with it is never longer. https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_PutImage.html */
const LONGEST_TAG = 'v'.repeat(128);

/** The template of a service or database. */
export interface TemplateFile {
  readonly file: string;
  readonly text: string;
}

/**
 * @param isSound whether nothing is wrong with what stands at a place and below: what follows from a misspelt name is no problem of its own
 * @param templates by place: `services.web.taskDefinition`
 */
export function checkRenderings(
  pipeline: Pipeline,
  isSound: (place: string) => boolean,
  templates: ReadonlyMap<string, TemplateFile>,
  report: Report,
): void {
  const found = new Map<string, { readonly refusal: Refusal; readonly environments: string[] }>();
  const keep = (environment: string) => (refusal: Refusal) => {
    const key = `${refusal.place} ${refusal.message}`;
    const known = found.get(key) ?? { refusal, environments: [] };
    known.environments.push(environment);
    found.set(key, known);
  };
  const environments = Object.values(pipeline.environments).filter(({ name }) => isSound(`environments.${name}.site`));
  const releases = Object.fromEntries(Object.keys(pipeline.repositories).map((name) => [name, anyRelease(name)]));
  for (const environment of environments) {
    const parts = {
      pipeline,
      releases,
      repositoryUris: repositoryUris(pipeline, environment.name),
      foundation: foundationPlaceholder(pipeline, environment.name),
      promotion: environment.name,
    };
    for (const service of Object.values(pipeline.services))
      if (isSound(`services.${service.name}`)) refusalsBefore({ ...parts, environment, service }).forEach(keep(environment.name));
    for (const home of homesOf(pipeline))
      if (home.owner === environment && isSound(`databases.${home.database.name}`))
        atDatabase(home.database, refusalsBefore({ ...parts, environment, service: serviceOf(home.database) })).forEach(
          keep(environment.name),
        );
  }
  const where = placesIn(templates);
  for (const { refusal, environments: concerned } of found.values()) {
    const which = concerned.length === Object.keys(pipeline.environments).length ? 'in all environments' : `in ${concerned.join(', ')}`;
    const at = where(refusal.place);
    report(refusal.place, `${refusalText(refusal, concerned)} (${at ? `${at}; ` : ''}${which})`);
  }
}

/** Stands for what will be pushed. */
const anyRelease = (repository: string): Release => ({
  repository,
  digest: `sha256:${'0'.repeat(64)}`,
  tag: LONGEST_TAG,
  order: '',
  pushedAt: '',
});

/** `ecs/web.json:14` of a place in a template, or of what is nearest above it. */
function placesIn(templates: ReadonlyMap<string, TemplateFile>): (place: string) => string | undefined {
  const known = new Map<string, ReadonlyMap<string, number>>();
  return (place) => {
    const [start, template] = [...templates].find(([one]) => place === one || place.startsWith(`${one}.`)) ?? [];
    if (start === undefined || template === undefined) return undefined;
    const lines = known.get(template.text) ?? linesOf(template.text);
    known.set(template.text, lines);
    for (let path = place.slice(start.length + 1); path !== ''; path = path.replace(/\.?[^.[]*$|\[\d+\]$/, '')) {
      const line = lines.get(path);
      if (line !== undefined) return `${template.file}:${line}`;
    }
    return template.file;
  };
}
