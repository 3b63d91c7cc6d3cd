/** What a program of ours is made of: its files, found by their imports, and a digest of what stands in them. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The project's folder. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Where the state machines are. */
export const machinesFolder = join(root, 'statemachines');

/** Imports of files of ours are written so; in a comment they cost nothing but a file too many. */
const imported = /(?:from|import)\s*\(?\s*['"](\.[^'"]+)['"]/g;

/** The texts of files, each read once. */
export class Sources {
  private readonly texts = new Map<string, string>();
  private readonly targets = new Map<string, readonly string[]>();

  /** The file and all that it imports, directly or through others, sorted. Packages are not followed. */
  reachableFrom(file: string): string[] {
    const found = new Set<string>();
    const visit = (path: string): void => {
      if (found.has(path)) return;
      found.add(path);
      for (const target of this.importsOf(path)) visit(target);
    };
    visit(resolve(file));
    return [...found].sort();
  }

  text(file: string): string {
    let text = this.texts.get(file);
    if (text === undefined) {
      text = readFileSync(file, 'utf8');
      this.texts.set(file, text);
    }
    return text;
  }

  private importsOf(file: string): readonly string[] {
    let targets = this.targets.get(file);
    if (targets === undefined) {
      targets = [...this.text(file).matchAll(imported)].map(([, target = '']) => resolve(dirname(file), target)).filter(existsSync);
      this.targets.set(file, targets);
    }
    return targets;
  }

  /** Of names and contents, wherever the folder is. */
  digest(folder: string, files: readonly string[]): string {
    return digestOf(...files.flatMap((file) => [relative(folder, file), this.text(file)]));
  }
}

/** Of texts, one after the other. */
export function digestOf(...texts: readonly string[]): string {
  const hash = createHash('sha256');
  for (const text of texts) hash.update(`${text.length}\0`).update(text);
  return hash.digest('hex').slice(0, 24);
}

/** Which packages, exactly, and how TypeScript is read: what all that is made depends on, beside its sources. */
export const surroundings = (): string =>
  digestOf(
    ...['package.json', 'package-lock.json', 'tsconfig.json']
      .map((name) => join(root, name))
      .filter(existsSync)
      .map((file) => readFileSync(file, 'utf8')),
  );

/** The files of a folder with this ending, without those of folders in it, sorted. */
export const filesOf = (folder: string, ending: string): string[] =>
  readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map(({ name }) => join(folder, name))
    .sort();
