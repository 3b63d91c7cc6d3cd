/** Boots local AWS from a synthesised cloud assembly. */
import type { World } from '../core/site.ts';
import { type Change, Stacks } from './stacks.ts';

export { type Change, type PhysicalResource, Stacks } from './stacks.ts';
export { TemplateError } from './template.ts';

/**
 * Creates everything that the stacks of an assembly declare.
 * @param assemblyFolder what `cdk synth` wrote: `cdk.out`
 * @returns the stacks, for later deployments
 * @throws TemplateError naming stack, logical id and property
 */
export async function bootAssembly(world: World, assemblyFolder: string): Promise<Stacks> {
  const stacks = new Stacks(world);
  await stacks.deploy(assemblyFolder);
  return stacks;
}

/** Deploys an assembly again on a running world: changes in place, replaces, deletes what is gone, keeps what is retained. */
export const deployAssembly = (stacks: Stacks, assemblyFolder: string): Promise<Change[]> => stacks.deploy(assemblyFolder);
