/** Reads a folder as the entries of an image's layer, the same to the byte wherever it lies. */
import { lstatSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Entry } from '../../../local/registry/tar.ts';
import { UsageError } from '../../terminal/errors.ts';

/** A layer is built in memory; ECR itself takes ten times as much. */
const MOST_BYTES = 1024 ** 3;

/** What is no part of a program: the history of its sources. */
const LEFT_OUT = new Set(['.git']);

/**
 * Everything below `folder`, under `into` in the image; links stay links.
 * @throws UsageError if there is no such folder, nothing in it, too much, or something that is neither file, folder nor link
 */
export function packFolder(folder: string, into: string): Record<string, Entry> {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory())
    throw new UsageError(`${folder}: no such folder; name the folder whose files become the image`);
  const entries: Record<string, Entry> = {};
  let bytes = 0;
  const add = (place: string, path: string) => {
    for (const name of readdirSync(place)) {
      if (LEFT_OUT.has(name)) continue;
      const [from, to] = [join(place, name), path === '' ? name : `${path}/${name}`];
      const stat = lstatSync(from);
      if (stat.isSymbolicLink()) entries[to] = { kind: 'link', target: readlinkSync(from) };
      else if (stat.isDirectory()) {
        entries[to] = { kind: 'folder' };
        add(from, to);
      } else if (stat.isFile()) {
        bytes += stat.size;
        if (bytes > MOST_BYTES) throw new UsageError(`${folder}: more than 1 GiB; build such an image with docker or buildah`);
        entries[to] = { kind: 'file', content: readFileSync(from), executable: (stat.mode & 0o111) !== 0 };
      } else throw new UsageError(`${from}: neither a file, a folder nor a link; an image cannot contain it`);
    }
  };
  add(folder, into);
  if (Object.keys(entries).length === 0) throw new UsageError(`${folder}: there is nothing in it to push`);
  return entries;
}
