/** Every stack of a pipeline, as the CDK declares it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { App } from 'aws-cdk-lib';
import type { Pipeline } from '../domain/pipeline/pipeline.ts';
import { bundleFunctions } from './bundle.ts';
import { functionsFolder } from './code.ts';
import { environmentStack } from './environment.ts';
import { siteNetwork } from './network.ts';
import { pipelineStack } from './pipeline.ts';
import { Place } from './place.ts';
import { registryStacks } from './registry.ts';
import { machinesFolder } from './sources.ts';

/** How the CDK behaves, in the command line and in this process alike. */
export const context: Readonly<Record<string, unknown>> = {
  '@aws-cdk/aws-lambda:recognizeLayerVersion': true,
  '@aws-cdk/core:checkSecretUsage': true,
  '@aws-cdk/core:target-partitions': ['aws'],
  // CloudFormation refuses to take the network away while an environment is in it.
  '@aws-cdk/core:defaultCrossStackReferences': 'strong',
};

/** Writes the assembly, without the checks of templates and rules that `cdk synth` runs. @returns names of the stacks, in the order in which they are deployed */
export async function writeAssembly(pipeline: Pipeline, functions: string, outdir: string): Promise<string[]> {
  const app = new App({ outdir: resolve(outdir), analyticsReporting: false, builtinCloudFormationValidation: false, context });
  await addStacks(app, pipeline, functions);
  return app.synth().stacks.map(({ stackName }) => stackName);
}

/** Declares every stack of a pipeline. */
export async function addStacks(
  app: App,
  pipeline: Pipeline,
  functions: string = functionsFolder,
  machines: string = machinesFolder,
): Promise<void> {
  const place = new Place(pipeline);
  const bundles = mkdtempSync(join(tmpdir(), 'shiplock-bundles-'));
  try {
    const folders = await bundleFunctions(pipeline, functions, bundles);
    const registries = registryStacks(app, place);
    const control = pipelineStack(app, place, folders, machines);
    for (const registry of registries) control.addStackDependency(registry);
    // A push finds its way only when there is somewhere to go.
    const site = siteNetwork(app, place);
    for (const environment of place.environments) {
      const stack = environmentStack(app, place, site, environment);
      // Addresses of load balancers are public: without the route they answer nobody.
      stack.addStackDependency(site.stack);
      control.addStackDependency(stack);
    }
  } finally {
    // Assets have been copied into the assembly.
    rmSync(bundles, { recursive: true, force: true });
  }
}
