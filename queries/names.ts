/** Names that people write, held against those that a pipeline has. */
import type { Pipeline } from '../domain/pipeline/pipeline.ts';
import { suggestion } from '../domain/text/suggestion.ts';
import { QueryError } from './errors.ts';

/** The name itself, if it is one of those known. @throws QueryError with the nearest, else with all */
export function known(what: string, name: string, names: readonly string[]): string {
  if (names.includes(name)) return name;
  const near = suggestion(name, names);
  const some = names.length > 20 ? `${names.slice(0, 20).join(', ')} and ${names.length - 20} more` : names.join(', ');
  throw new QueryError(`no ${what} ${name}; there are ${some}${near}`);
}

type OfPipeline = { readonly pipeline: Pick<Pipeline, 'environments' | 'repositories' | 'services'> };

/** @throws QueryError */
export const knownEnvironment = ({ pipeline }: OfPipeline, name: string) => known('environment', name, Object.keys(pipeline.environments));

/** @throws QueryError */
export const knownRepository = ({ pipeline }: OfPipeline, name: string) => known('repository', name, Object.keys(pipeline.repositories));

/** @throws QueryError */
export const knownService = ({ pipeline }: OfPipeline, name: string) => known('service', name, Object.keys(pipeline.services));
