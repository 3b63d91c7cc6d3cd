/** All that ECS and Fargate ask of a task definition, in one list: what passes here, RegisterTaskDefinition and the services take. */
import { refuseAddresses } from './addresses.ts';
import { refuseDependencies } from './dependencies.ts';
import { refuseOffFargate } from './fargate.ts';
import { refuseLogging } from './logging.ts';
import type { Members, Refuse } from './members.ts';
import { refuseNames } from './names.ts';
import { refusePlatform } from './platform.ts';
import { refusePorts } from './ports.ts';
import { refuseMisfits } from './shape.ts';
import { type FilledSizes, refuseSizes } from './sizes.ts';
import { refuseVolumes } from './volumes.ts';

export interface Surroundings {
  /** Where requests enter. */
  readonly web: { readonly container: string; readonly port: number } | undefined;
  /** Of the repositories that the service runs, by name: `linux/amd64`. */
  readonly platforms: Readonly<Record<string, string>>;
  /** Where the template says nothing and a size was filled in. */
  readonly sizes: FilledSizes;
  /** The environment's own log group for it; undefined where a role of the template's, which is allowed, starts its tasks. */
  readonly logGroup: string | undefined;
}

/** Says of every place of a rendered request what would be refused, each once. */
export function refuseAll(request: Members, { web, platforms, logGroup, sizes }: Surroundings, refuse: Refuse): void {
  const misfits = new Set<string>();
  refuseMisfits(request, (place, message) => {
    misfits.add(place);
    refuse(place, message);
  });
  const said = new Set<string>();
  const once: Refuse = (place, message) => {
    // What does not have its shape is nothing to be judged.
    if (misfits.has(place) || said.has(`${place} ${message}`)) return;
    said.add(`${place} ${message}`);
    refuse(place, message);
  };
  refuseAddresses(request, once);
  refuseNames(request, once);
  refuseSizes(request, sizes, once);
  refusePlatform(request, platforms, once);
  refuseDependencies(request, once);
  refusePorts(request, web, once);
  refuseVolumes(request, once);
  refuseLogging(request, logGroup, once);
  refuseOffFargate(request, once);
}
