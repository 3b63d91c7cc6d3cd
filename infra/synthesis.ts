/**
 * From a configuration to a cloud assembly on disk: what goes to AWS, and what local AWS boots from. What was synthesised from the same
 * pipeline by the same code is taken: see docs/decisions/0020-made-once.md.
 */
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { Pipeline } from '../domain/pipeline/pipeline.ts';
import { codeOf, functionsFolder as ourFunctions } from './code.ts';
import { readConfig } from './config-file.ts';
import { Kept } from './kept.ts';
import { digestOf, filesOf, machinesFolder, root, Sources, surroundings } from './sources.ts';

export interface SynthesisOptions {
  /** Path of a `shiplock.config.ts`. */
  readonly config: string;
  /** Where the assembly goes. */
  readonly outdir: string;
  /** Take the assembly that is in `outdir`, if there is one. @default false */
  readonly reuse?: boolean;
}

export interface Synthesised {
  readonly pipeline: Pipeline;
  /** Names of the stacks, in the order in which they are deployed. */
  readonly stacks: readonly string[];
}

/** Synthesises in this process, without the checks of templates and rules that `cdk synth` runs. */
export async function synthesise({ config, outdir, reuse = false }: SynthesisOptions): Promise<Synthesised> {
  const pipeline = await readConfig(config);
  if (reuse && existsSync(join(outdir, 'manifest.json'))) return { pipeline, stacks: stackNames(outdir) };
  return { pipeline, stacks: await synthesisePipeline(pipeline, outdir) };
}

/** The same for a pipeline that is parsed already. @returns names of the stacks */
export async function synthesisePipeline(
  pipeline: Pipeline,
  outdir: string,
  { functionsFolder = ourFunctions }: { functionsFolder?: string } = {},
): Promise<readonly string[]> {
  const { folder, stacks } = await assemblyOf(pipeline, functionsFolder);
  cpSync(folder, outdir, { recursive: true });
  return stacks;
}

/** The assembly where it is kept, for reading only. */
export interface Assembly extends Synthesised {
  readonly folder: string;
}

/**
 * An assembly that need not be anybody's own.
 * @param config path of a `shiplock.config.ts`
 * @param given another assembly of it, if there is one already
 */
export async function assemblyFor(config: string, given?: string): Promise<Assembly> {
  const pipeline = await readConfig(config);
  return given === undefined ? assemblyOf(pipeline) : { pipeline, folder: given, stacks: stackNames(given) };
}

/** Assemblies by the digest of all that goes into them; one with the code of all functions has some 8 MB. */
const ours = new Kept(join(root, 'dist', 'assemblies'), 40);

/** The names of its stacks, beside an assembly. */
const STACKS = 'stacks.json';

/** @param functions folder of their sources */
export async function assemblyOf(pipeline: Pipeline, functions: string = ourFunctions, kept: Kept = ours): Promise<Assembly> {
  const code = await codeOf(functions);
  loaded ??= declarations();
  const files = [...code.values()].map((file) => basename(file));
  const key = digestOf(loaded, JSON.stringify(pipeline), ...files);
  if (kept.find(key) === undefined) {
    let once: string | undefined;
    await kept.make(async (aside) => {
      // Loaded only here: the CDK takes a third of a second.
      const { writeAssembly } = await import('./stacks.ts');
      const stacks = await writeAssembly(pipeline, functions, join(aside, key, 'assembly'));
      writeFileSync(join(aside, key, STACKS), JSON.stringify(stacks));
      const codeNow = [...(await codeOf(functions)).values()].map((file) => basename(file));
      if (declarations() === loaded && codeNow.join() === files.join()) return;
      // What was edited or checked out meanwhile may be in it, or not: it is used this once, and not kept.
      once = mkdtempSync(join(tmpdir(), 'shiplock-assembly-'));
      cpSync(join(aside, key), once, { recursive: true });
      rmSync(join(aside, key), { recursive: true });
    });
    if (once !== undefined) return { pipeline, ...madeIn(once) };
  }
  return { pipeline, ...madeIn(join(kept.folder, key)) };
}

const madeIn = (place: string) => ({
  folder: join(place, 'assembly'),
  stacks: JSON.parse(readFileSync(join(place, STACKS), 'utf8')) as string[],
});

/** Of the code that declares stacks, and of the state machines. */
function declarations(): string {
  const sources = new Sources();
  const declared = sources.reachableFrom(join(root, 'infra', 'stacks.ts'));
  return digestOf(surroundings(), sources.digest(root, [...declared, ...filesOf(machinesFolder, '.asl.json')]));
}

/** What they were when this process began to load them: it goes on with that, whatever is written into the files later. */
let loaded: string | undefined;

function stackNames(outdir: string): string[] {
  const { artifacts } = JSON.parse(readFileSync(join(outdir, 'manifest.json'), 'utf8')) as {
    artifacts: Record<string, { type: string; properties?: { stackName?: string } }>;
  };
  return Object.entries(artifacts)
    .filter(([, { type }]) => type === 'aws:cloudformation:stack')
    .map(([id, { properties }]) => properties?.stackName ?? id);
}
