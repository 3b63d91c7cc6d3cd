/** Builds the command and the code of the functions, where their sources have changed. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf } from '../infra/code.ts';
import { digestOf, root, Sources, surroundings } from '../infra/sources.ts';

const dist = join(root, 'dist');
const sources = new Sources();
const files = [
  ...new Set(['scripts/build.ts', 'cli/start.ts', 'cli/main.ts'].flatMap((file) => sources.reachableFrom(join(root, file)))),
].sort();
const built = digestOf(process.version, surroundings(), sources.digest(root, files));
/** What the command was built from. */
const stamp = join(dist, 'built');
if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== built) {
  const { buildCommand } = await import('./command.ts');
  await buildCommand(dist);
  writeFileSync(stamp, built);
}
await codeOf();
