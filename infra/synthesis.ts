/** From a configuration to a cloud assembly on disk: what goes to AWS, and what local AWS boots from. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { App } from 'aws-cdk-lib';
import type { Pipeline } from '../domain/pipeline.ts';
import { bundleFunctions, functionsFolder } from './bundle.ts';
import { readConfig } from './config-file.ts';
import { environmentStack } from './environment.ts';
import { siteNetwork } from './network.ts';
import { pipelineStack } from './pipeline.ts';
import { Place } from './place.ts';
import { registryStacks } from './registry.ts';

const machinesFolder = join(dirname(dirname(fileURLToPath(import.meta.url))), 'statemachines');

export interface SynthesisOptions {
  /** Path of a `shiplock.config.ts`. */
  readonly config: string;
  /** Where the assembly goes. */
  readonly outdir: string;
  /** Take the assembly that is in `outdir`, if there is one. @default false */
  readonly reuse?: boolean;
  /** @default functions/ */
  readonly functionsFolder?: string;
}

export interface Synthesised {
  readonly pipeline: Pipeline;
  /** Names of the stacks, in the order in which they are deployed. */
  readonly stacks: readonly string[];
}

/** Synthesises in this process, without the checks of templates and rules that `cdk synth` runs. */
export async function synthesise({ config, outdir, reuse = false, functionsFolder }: SynthesisOptions): Promise<Synthesised> {
  const pipeline = await readConfig(config);
  if (reuse && existsSync(join(outdir, 'manifest.json'))) return { pipeline, stacks: stackNames(outdir) };
  return { pipeline, stacks: await synthesisePipeline(pipeline, outdir, functionsFolder === undefined ? {} : { functionsFolder }) };
}

/** How the CDK behaves, in the command line and in this process alike. */
export const context: Readonly<Record<string, unknown>> = {
  '@aws-cdk/aws-lambda:recognizeLayerVersion': true,
  '@aws-cdk/core:checkSecretUsage': true,
  '@aws-cdk/core:target-partitions': ['aws'],
  // CloudFormation refuses to take the network away while an environment is in it.
  '@aws-cdk/core:defaultCrossStackReferences': 'strong',
};

/** The same for a pipeline that is parsed already. @returns names of the stacks */
export async function synthesisePipeline(
  pipeline: Pipeline,
  outdir: string,
  { functionsFolder }: { functionsFolder?: string } = {},
): Promise<string[]> {
  const app = new App({ outdir: resolve(outdir), analyticsReporting: false, builtinCloudFormationValidation: false, context });
  await addStacks(app, pipeline, functionsFolder);
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

function stackNames(outdir: string): string[] {
  const { artifacts } = JSON.parse(readFileSync(join(outdir, 'manifest.json'), 'utf8')) as {
    artifacts: Record<string, { type: string; properties?: { stackName?: string } }>;
  };
  return Object.entries(artifacts)
    .filter(([, { type }]) => type === 'aws:cloudformation:stack')
    .map(([id, { properties }]) => properties?.stackName ?? id);
}
