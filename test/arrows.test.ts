/** Arrows between folders go one way; this says which, and fails on a wrong one. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { folders, withDrawing } from '../scripts/architecture.ts';

const root = resolve(import.meta.dirname, '..');

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name));
}

const imports = (file: string) =>
  [...readFileSync(file, 'utf8').matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map((match) => match[1] ?? '');

/** Every file of ours with the files of ours that it imports, types included. */
function graph(): ReadonlyMap<string, readonly string[]> {
  const folders = readdirSync(root, { withFileTypes: true }).filter(
    (entry) => entry.isDirectory() && !/^(\.|node_modules$|dist$)/.test(entry.name),
  );
  const files = folders.flatMap(({ name }) => sources(name));
  const ours = new Set(files);
  return new Map(
    files.map((file) => [
      file,
      imports(file)
        .filter((target) => target.startsWith('.'))
        .map((target) => resolve(dirname(file), target))
        .filter((target) => ours.has(target)),
    ]),
  );
}

/**
 * The groups of nodes that reach each other, each sorted: Tarjan's strongly connected components of two nodes and more.
 * https://en.wikipedia.org/wiki/Tarjan%27s_strongly_connected_components_algorithm
 */
function circles(edges: ReadonlyMap<string, readonly string[]>): readonly string[][] {
  const found: string[][] = [];
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const path: string[] = [];
  const visit = (node: string) => {
    order.set(node, order.size);
    lowest.set(node, order.get(node)!);
    path.push(node);
    for (const next of edges.get(node) ?? []) {
      if (!order.has(next)) visit(next);
      if (path.includes(next)) lowest.set(node, Math.min(lowest.get(node)!, lowest.get(next)!));
    }
    if (lowest.get(node) !== order.get(node)) return;
    const circle = path.splice(path.indexOf(node));
    if (circle.length > 1) found.push(circle.sort());
  };
  for (const node of edges.keys()) if (!order.has(node)) visit(node);
  return found;
}

describe('imports', () => {
  for (const { folder, mayImport: allowed, sdk, rooms = [] } of folders) {
    it(`${folder} imports ${allowed.length > 0 ? `only ${allowed.join(', ')}` : 'nothing of ours'}`, () => {
      const wrong = sources(folder).flatMap((file) =>
        imports(file)
          .filter((target) => target.startsWith('.'))
          .map((target) => relative(root, resolve(dirname(file), target)).split('/')[0] ?? '')
          .filter((target) => target !== folder && !allowed.includes(target))
          .map((target) => `${relative(root, file)} imports ${target}`),
      );
      expect(wrong).toEqual([]);
    });

    it(`${folder} ${sdk ? 'may import' : 'does not import'} the AWS SDK`, () => {
      if (sdk) return;
      const wrong = sources(folder).filter(
        (file) => [...readFileSync(file, 'utf8').matchAll(/import (?!type )[^;]*?from '(@aws-sdk\/client-[^']+)'/g)].length > 0,
      );
      expect(wrong.map((file) => relative(root, file))).toEqual([]);
    });

    for (const { folder: room, mayImport } of rooms)
      it(`${folder}/${room} imports of ${folder} ${mayImport.length > 0 ? `only ${mayImport.join(', ')}` : 'nothing else'}`, () => {
        const names = rooms.map((one) => one.folder);
        const wrong = sources(`${folder}/${room}`).flatMap((file) =>
          imports(file)
            .filter((target) => target.startsWith('.'))
            .map((target) => relative(join(root, folder), resolve(dirname(file), target)).split('/')[0] ?? '')
            .filter((target) => names.includes(target) && target !== room && !mayImport.includes(target))
            .map((target) => `${relative(root, file)} imports ${target}`),
        );
        expect(wrong).toEqual([]);
      });
  }

  it('a circle of imports is found, whatever hangs on it', () => {
    const edges = { door: ['a'], a: ['b', 'floor'], b: ['c'], c: ['a'], floor: [], d: ['e'], e: ['d', 'c'] };
    expect(circles(new Map(Object.entries(edges)))).toEqual([
      ['a', 'b', 'c'],
      ['d', 'e'],
    ]);
  });

  it('no file imports one that imports it, over however many others, be it for its types', () => {
    expect(circles(graph()).map((circle) => circle.map((file) => relative(root, file)))).toEqual([]);
  });

  it('the rules of domain know no clock and no chance', () => {
    const wrong = sources('domain').filter((file) =>
      /\bDate\.now\(|new Date\(\)|Math\.random|setTimeout|process\.env/.test(readFileSync(file, 'utf8')),
    );
    expect(wrong.map((file) => relative(root, file))).toEqual([]);
  });

  it('are drawn in docs/architecture.md as they are (npm run architecture draws them)', () => {
    const page = readFileSync(join(root, 'docs/architecture.md'), 'utf8');
    expect(withDrawing(page)).toBe(page);
  });

  it('every folder with sources has its arrows', () => {
    const known = new Set([...folders.map(({ folder }) => folder), 'scripts', 'test']);
    const all = readdirSync(root, { withFileTypes: true }).filter(
      (entry) => entry.isDirectory() && !/^(\.|node_modules$|dist$)/.test(entry.name),
    );
    expect(all.map(({ name }) => name).filter((name) => sources(name).length > 0 && !known.has(name))).toEqual([]);
  });
});
