/**
 * The code of the functions as Lambda runs it. What was compiled from the same sources is taken, the rest is compiled first:
 * see docs/decisions/0020-made-once.md.
 */
import { readdirSync, realpathSync, rmSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { Kept } from './kept.ts';
import { digestOf, filesOf, root, Sources, surroundings } from './sources.ts';

/** Where the functions are, one file each; folders beside them hold what they share. */
export const functionsFolder = join(root, 'functions');

/** The compiled functions: `<function>.<digest of its sources>.js`. Enough for some twenty states of all of them. */
const ours = new Kept(join(root, 'dist', 'functions'), 500);

/** The names of all functions: those of their files, without `.ts`. */
export const functionNames = (folder: string): string[] =>
  filesOf(folder, '.ts').map((file) => relative(folder, file).slice(0, -'.ts'.length));

/** How often it is tried to compile sources that stand still meanwhile. */
const TRIES = 5;

/**
 * The file of each function's code, by the function's name.
 * @throws esbuild's BuildFailure
 */
export async function codeOf(given: string = functionsFolder, kept: Kept = ours): Promise<ReadonlyMap<string, string>> {
  // As the compiler names it.
  const folder = realpathSync(given);
  // One after the other: what the first has compiled is there for the second.
  const wanted = compiling.catch(() => undefined).then(() => compileMissing(folder, kept));
  compiling = wanted;
  const { keys } = await wanted;
  return new Map([...keys].map(([name, key]) => [name, join(kept.folder, key)]));
}

/** What is asked for now: all functions of a folder. */
interface Wanted {
  /** Names of what is kept, by function. */
  readonly keys: ReadonlyMap<string, string>;
  /** The files that each function reaches. */
  readonly files: ReadonlyMap<string, readonly string[]>;
  readonly words: ReadonlySet<string>;
}

let compiling: Promise<unknown> = Promise.resolve();

function wantedOf(folder: string): Wanted {
  const names = functionNames(folder);
  if (names.length === 0) throw new Error(`there are no functions in ${folder}`);
  const sources = new Sources();
  const files = new Map(names.map((name) => [name, sources.reachableFrom(join(folder, `${name}.ts`))]));
  const words = wordsOf([...new Set([...files.values()].flat())].map((file) => sources.text(file)));
  const how = howItIsCompiled(words);
  const keys = new Map([...files].map(([name, reached]) => [name, `${name}.${digestOf(how, sources.digest(folder, reached))}.js`]));
  return { keys, files, words };
}

/** @returns what was wanted, and is there now */
async function compileMissing(folder: string, kept: Kept): Promise<Wanted> {
  for (let tries = 0; tries < TRIES; tries++) {
    const wanted = wantedOf(folder);
    const missing = [...wanted.keys].filter(([, key]) => kept.find(key) === undefined);
    if (missing.length === 0) return wanted;
    // Loaded only here: whoever finds everything needs no compiler.
    const { compile } = await import('./compile.ts');
    let stoodStill = false;
    await kept.make(async (aside) => {
      const entries = Object.fromEntries(missing.map(([name, key]) => [key.slice(0, -'.js'.length), join(folder, `${name}.ts`)]));
      const went = await compile(entries, wanted.words, aside);
      // The compiler reads later than we do: what was edited or checked out in between must not be kept under the name of what was before.
      const now = wantedOf(folder).keys;
      stoodStill = missing.every(([name, key]) => now.get(name) === key);
      if (!stoodStill) return discard(aside);
      assertSeen(folder, missing, went, wanted.files);
    });
    if (stoodStill) return wanted;
  }
  throw new Error(`the sources of ${folder} change all the time: nothing could be compiled from them`);
}

const discard = (folder: string): void => {
  for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true });
};

/** @throws Error where the compiler read a file whose change would not have been noticed */
function assertSeen(
  folder: string,
  missing: readonly (readonly [name: string, key: string])[],
  went: ReadonlyMap<string, readonly string[]>,
  files: ReadonlyMap<string, readonly string[]>,
): void {
  const unseen = missing.flatMap(
    ([name, key]) => went.get(key.slice(0, -'.js'.length))?.filter((file) => !files.get(name)?.includes(file)) ?? [],
  );
  if (unseen.length === 0) return;
  const names = [...new Set(unseen)].map((file) => relative(dirname(folder), file)).join(', ');
  throw new Error(`${names}: imported in a way that infra/sources.ts does not see`);
}

/** All that may be the name of an error. */
export const wordsOf = (texts: readonly string[]): Set<string> => new Set(texts.flatMap((text) => text.match(/\b[A-Z]\w+\b/g) ?? []));

function howItIsCompiled(words: ReadonlySet<string>): string {
  const own = new Sources();
  const infra = join(root, 'infra');
  const files = [...own.reachableFrom(join(infra, 'compile.ts')), ...filesOf(join(infra, 'slim'), '.ts')];
  return digestOf(surroundings(), own.digest(infra, files), ...[...words].sort());
}
