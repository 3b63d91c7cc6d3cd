/** Packs files as a gzipped tar archive whose bytes depend on nothing but the files. */
import { gzipSync } from 'node:zlib';

const BLOCK = 512;

/** A ustar archive of regular files, in the order of their paths. @param modified seconds since the epoch */
export function tar(files: Readonly<Record<string, string>>, modified: number): Buffer {
  const parts: Buffer[] = [];
  for (const path of Object.keys(files).sort()) {
    if (Buffer.byteLength(path) > 100) throw new RangeError(`a path in a layer has at most 100 bytes here: ${path}`);
    const content = Buffer.from(files[path]!);
    parts.push(header(path, content.length, modified), content, Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK));
  }
  return Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)]);
}

/** https://www.gnu.org/software/tar/manual/html_node/Standard.html */
function header(path: string, size: number, modified: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, offset: number, length: number) =>
    block.write(`${value.toString(8).padStart(length - 1, '0')}\0`, offset, 'ascii');
  block.write(path, 0);
  octal(0o644, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(modified, 136, 12);
  block.write('        0', 148, 'ascii');
  block.write('ustar\x0000', 257, 'ascii');
  let sum = 0;
  for (const byte of block) sum += byte;
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'ascii');
  return block;
}

/** Stored, not compressed, since compressors differ between versions; the header names no time and no system. */
export function gzip(content: Uint8Array): Buffer {
  const packed = gzipSync(content, { level: 0 });
  packed.fill(0, 4, 9);
  packed[9] = 0xff;
  return packed;
}
