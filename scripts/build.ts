/** Builds the command and the code of the functions, where their sources have changed. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf } from '../infra/code.ts';
import { digestOf, root, Sources, surroundings } from '../infra/sources.ts';

const dist = join(root, 'dist');
/** What the command was built from. */
const stamp = join(dist, 'built');

function digest(): string {
  const sources = new Sources();
  const entries = ['scripts/build.ts', 'scripts/command.ts', 'cli/start.ts', 'cli/main.ts'];
  const files = [...new Set(entries.flatMap((file) => sources.reachableFrom(join(root, file))))].sort();
  return digestOf(process.version, surroundings(), sources.digest(root, files));
}

const before = digest();
if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== before) {
  const { buildCommand } = await import('./command.ts');
  rmSync(stamp, { force: true });
  await buildCommand(dist);
  // If a file was changed meanwhile, it is built again the next time.
  if (digest() === before) writeFileSync(stamp, before);
}
await codeOf();
