/** Snapshots of a world in a data folder, beside the journal of what came from outside. Each says how far in that journal it has come. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { type Blobs, contentName } from '../snapshot/blobs.ts';
import type { Disk } from './disk.ts';
import type { Position } from './inputs.ts';

/** The first line of a file. */
interface Header {
  /** Of what follows. */
  readonly sha256: string;
  /** Of local AWS itself: objects of another version may have other fields. */
  readonly code: string;
  /** Where the folder is: functions are read from it. */
  readonly folder: string;
  readonly position: Position;
  /** Names of the large bytes that it needs. */
  readonly blobs: readonly string[];
}

/** So many are kept: where the newest is broken, the one before it is good. */
const KEPT = 2;
const NAME = /^(\d{8})\.snapshot$/;

export class Snapshots {
  private readonly folder: string;
  private readonly disk: Disk;
  private readonly code: string;

  /** @param code what tells this version of local AWS from others */
  constructor(folder: string, disk: Disk, code: string) {
    this.folder = folder;
    this.disk = disk;
    this.code = code;
    mkdirSync(join(folder, 'snapshots', 'bodies'), { recursive: true, mode: 0o700 });
  }

  /** Those that are whole and of this version, newest first. Read one by one: the first is nearly always the one. */
  *read(): Iterable<{ readonly position: Position; readonly content: string; readonly blobs: Blobs }> {
    for (const name of this.names().toReversed()) {
      const found = this.open(name);
      if (found !== undefined) yield found;
    }
  }

  /**
   * Adds one, aside and then moved; older ones go once it is there.
   * @param save makes the content, and may keep large bytes
   */
  add(position: Position, save: (blobs: Blobs) => string): void {
    const names = this.names();
    const kept = new FolderBlobs(this.folder, this.disk);
    const content = gzipSync(save(kept), { level: 1 });
    const header: Header = {
      sha256: contentName(content),
      code: this.code,
      folder: resolve(this.folder),
      position,
      blobs: [...kept.names],
    };
    const number = Number(NAME.exec(names.at(-1) ?? '')?.[1] ?? 0) + 1;
    const path = join(this.folder, 'snapshots', `${String(number).padStart(8, '0')}.snapshot`);
    this.disk.replace(path, Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), content]));
    this.tidy();
  }

  /** Older ones go, and bytes that only they needed. */
  private tidy(): void {
    const names = this.names();
    for (const name of names.slice(0, -KEPT)) this.disk.remove(join(this.folder, 'snapshots', name));
    const needed = new Set(names.slice(-KEPT).flatMap((name) => this.header(name)?.blobs ?? []));
    const bodies = join(this.folder, 'snapshots', 'bodies');
    for (const name of readdirSync(bodies)) if (!needed.has(name)) this.disk.remove(join(bodies, name));
  }

  /** Oldest first. */
  private names(): string[] {
    return readdirSync(join(this.folder, 'snapshots'))
      .filter((name) => NAME.test(name))
      .sort();
  }

  private header(name: string): Header | undefined {
    return split(readFileSync(join(this.folder, 'snapshots', name)))?.header;
  }

  private open(name: string) {
    const file = split(readFileSync(join(this.folder, 'snapshots', name)));
    if (file === undefined) return undefined;
    const { header, content } = file;
    if (header.code !== this.code || header.folder !== resolve(this.folder) || contentName(content) !== header.sha256) return undefined;
    return { position: header.position, content: gunzipSync(content).toString('utf8'), blobs: new FolderBlobs(this.folder, this.disk) };
  }
}

function split(file: Buffer): { readonly header: Header; readonly content: Buffer } | undefined {
  const end = file.indexOf('\n');
  try {
    return { header: JSON.parse(file.subarray(0, end).toString('utf8')) as Header, content: file.subarray(end + 1) };
  } catch {
    return undefined;
  }
}

/** Large bytes as files: image layers lie in the folder already, as they came. */
class FolderBlobs implements Blobs {
  readonly names = new Set<string>();
  private readonly folder: string;
  private readonly disk: Disk;

  constructor(folder: string, disk: Disk) {
    this.folder = folder;
    this.disk = disk;
  }

  keep(bytes: Uint8Array): string {
    const name = contentName(bytes);
    if (!existsSync(this.path('bodies', name))) {
      const path = this.path(join('snapshots', 'bodies'), name);
      if (!existsSync(path)) this.disk.replace(path, bytes);
      this.names.add(name);
    }
    return name;
  }

  /** @throws Error where its content is not what its name says */
  read(name: string): Uint8Array {
    const own = this.path('bodies', name);
    const bytes = readFileSync(existsSync(own) ? own : this.path(join('snapshots', 'bodies'), name));
    if (contentName(bytes) !== name) throw new Error(`the bytes called ${name} are others`);
    return new Uint8Array(bytes);
  }

  private path(folder: string, name: string): string {
    return join(this.folder, folder, name);
  }
}

/** Written in by a build, which has no sources beside it. */
declare const LOCAL_AWS_VERSION: string | undefined;

/** Tells this version of local AWS from every other: the hash of its sources. */
export function versionOfLocalAws(): string {
  if (typeof LOCAL_AWS_VERSION === 'string') return LOCAL_AWS_VERSION;
  const root = resolve(import.meta.dirname, '..');
  const hash = createHash('sha256');
  for (const name of readdirSync(root, { recursive: true, encoding: 'utf8' }).sort())
    if (/\.(?:ts|js|json)$/.test(name)) hash.update(name).update(readFileSync(join(root, name)));
  return hash.digest('hex');
}
