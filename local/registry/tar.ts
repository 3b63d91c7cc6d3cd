/** Packs files as a gzipped tar archive whose bytes depend on nothing but the files. */
import { gzipSync } from 'node:zlib';

const BLOCK = 512;

/** What stands in an archive under its path. */
export type Entry =
  | { readonly kind: 'file'; readonly content: Uint8Array; readonly executable: boolean }
  | { readonly kind: 'folder' }
  | { readonly kind: 'link'; readonly target: string };

/** A ustar archive, in the order of the paths; text is a regular file. @param modified seconds since the epoch @throws RangeError for a path that does not fit */
export function tar(entries: Readonly<Record<string, string | Entry>>, modified: number): Buffer {
  const parts: Buffer[] = [];
  for (const path of Object.keys(entries).sort()) {
    const given = entries[path]!;
    const entry: Entry = typeof given === 'string' ? { kind: 'file', content: Buffer.from(given), executable: false } : given;
    const content = entry.kind === 'file' ? entry.content : new Uint8Array();
    parts.push(header(path, entry, modified), Buffer.from(content), Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK));
  }
  return Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)]);
}

const TYPE = { file: '0', link: '2', folder: '5' } as const;

/** https://www.gnu.org/software/tar/manual/html_node/Standard.html */
function header(path: string, entry: Entry, modified: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, offset: number, length: number) =>
    block.write(`${value.toString(8).padStart(length - 1, '0')}\0`, offset, 'ascii');
  const { prefix, name } = split(entry.kind === 'folder' ? `${path}/` : path);
  block.write(name, 0);
  octal(entry.kind === 'file' && !entry.executable ? 0o644 : 0o755, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(entry.kind === 'file' ? entry.content.length : 0, 124, 12);
  octal(modified, 136, 12);
  block.write('        0', 148, 'ascii');
  block.write(TYPE[entry.kind], 156, 'ascii');
  if (entry.kind === 'link') {
    if (Buffer.byteLength(entry.target) > 100) throw new RangeError(`a link in a layer has at most 100 bytes here: ${path}`);
    block.write(entry.target, 157);
  }
  block.write('ustar\x0000', 257, 'ascii');
  block.write(prefix, 345);
  let sum = 0;
  for (const byte of block) sum += byte;
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'ascii');
  return block;
}

/** A path of more than 100 bytes stands in two fields, parted at a slash. */
function split(path: string): { readonly prefix: string; readonly name: string } {
  if (Buffer.byteLength(path) <= 100) return { prefix: '', name: path };
  for (let slash = path.indexOf('/'); slash !== -1; slash = path.indexOf('/', slash + 1)) {
    const [prefix, name] = [path.slice(0, slash), path.slice(slash + 1)];
    if (Buffer.byteLength(prefix) <= 155 && name !== '' && Buffer.byteLength(name) <= 100) return { prefix, name };
  }
  throw new RangeError(`a path in a layer has at most 255 bytes, and names of at most 100: ${path}`);
}

/** Stored, not compressed, since compressors differ between versions; the header names no time and no system. */
export function gzip(content: Uint8Array): Buffer {
  const packed = gzipSync(content, { level: 0 });
  packed.fill(0, 4, 9);
  packed[9] = 0xff;
  return packed;
}
