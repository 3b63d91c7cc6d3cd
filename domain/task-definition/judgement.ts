/** Judges a task definition before anything is sent: all that the pipeline, ECS and Fargate would refuse of it, each once. */
import { logGroup } from '../pipeline/names.ts';
import { elsewhere, placeIn, type Refusal, renderingOf, repositoriesOf, type TaskDefinitionParts } from './rendering.ts';
import { refuseAll } from './rules.ts';

/** Rendered by the code that sends. */
export function refusalsBefore(parts: TaskDefinitionParts): readonly Refusal[] {
  const { pipeline, environment, service, foundation } = parts;
  const { request, unfilled, dangers } = renderingOf(parts);
  const bringsRole = request.executionRoleArn !== foundation.executionRoleArn && environment.allow.includes('foreign-roles');
  const ruled: Refusal[] = [];
  refuseAll(
    request,
    {
      web: service.web,
      platforms: Object.fromEntries(repositoriesOf(service).map((name) => [name, pipeline.repositories[name]?.platform ?? ''])),
      sizes: { cpu: (service.template.cpu ?? null) === null, memory: (service.template.memory ?? null) === null },
      logGroup: bringsRole ? undefined : logGroup(pipeline.name, environment.name, service.name),
    },
    (path, message) => void ruled.push({ place: placeIn(service, path), message }),
  );
  const own = [...unfilled, ...elsewhere(ruled, unfilled)];
  return [...own, ...elsewhere(dangers, own)];
}
