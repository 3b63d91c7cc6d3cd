/** The folder of a running pipeline: its assemblies, what came from outside, and when it is. Without one nothing is kept. */
import { createHash, randomInt } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Pipeline } from '../domain/pipeline/pipeline.ts';
import { synthesise } from '../infra/synthesis.ts';
import { Disk } from '../local/outer/disk.ts';
import { Inputs } from '../local/outer/inputs.ts';
import { Snapshots, versionOfLocalAws } from '../local/outer/snapshots.ts';

/** How a world began, and how far it has come. */
export interface Beginning {
  /** Of all chance, keys included: nobody else's. */
  readonly seed: number;
  /** Milliseconds since the epoch. */
  readonly start: number;
  /** The world's time is the machine's: what passes while it is stopped passes in the world too. */
  readonly follows: boolean;
  /** Tasks run as containers of an engine, whose doings are part of the past. @default they are played */
  readonly containers?: boolean;
  readonly account: string;
  readonly region: string;
  readonly pipeline: string;
  /** When the world was last known to be. Milliseconds since the epoch. */
  readonly now: number;
}

/** What a data folder holds belongs to something else. */
export class FolderError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'FolderError';
  }
}

export class DataFolder {
  readonly inputs: Inputs | undefined;
  readonly snapshots: Snapshots | undefined;
  private readonly disk: Disk;
  private readonly folder: string;
  private readonly kept: boolean;

  /** @param folder absent, everything lies in a temporary folder until {@link close} */
  constructor(folder?: string, disk = new Disk()) {
    this.disk = disk;
    this.kept = folder !== undefined;
    this.folder = folder ?? mkdtempSync(join(tmpdir(), 'shiplock-local-'));
    mkdirSync(this.folder, { recursive: true, mode: 0o700 });
    this.inputs = this.kept ? new Inputs(this.folder, disk) : undefined;
    this.snapshots = this.kept ? new Snapshots(this.folder, disk, versionOfLocalAws()) : undefined;
  }

  /** How the world of this folder began; undefined for a new one. @throws FolderError if it is another pipeline's */
  beginning(pipeline: Pipeline): Beginning | undefined {
    if (!existsSync(this.file)) return undefined;
    const found = JSON.parse(readFileSync(this.file, 'utf8')) as Beginning;
    const [address] = Object.values(pipeline.sites);
    if (found.pipeline !== pipeline.name || found.account !== address?.account || found.region !== address.region)
      throw new FolderError(
        `${this.folder} holds the pipeline ${found.pipeline} in ${found.account}/${found.region}; give ${pipeline.name} another folder with --data`,
      );
    return found;
  }

  /** What containers did cannot be played by local AWS, nor the other way round. @throws FolderError */
  assertSameTasks({ containers = false }: Beginning, wanted: boolean): void {
    if (containers === wanted) return;
    throw new FolderError(
      containers
        ? `${this.folder} was begun with --run docker; start it with that again, or give another folder with --data`
        : `${this.folder} was begun without --run docker; start it without that, or give another folder with --data`,
    );
  }

  begin(pipeline: Pipeline, start: number, follows: boolean, containers = false): Beginning {
    const [address] = Object.values(pipeline.sites);
    if (address === undefined) throw new Error('the pipeline has no site');
    const seed = randomInt(1, 2 ** 32 - 1);
    const beginning: Beginning = {
      seed,
      start,
      follows,
      ...(containers ? { containers } : {}),
      ...address,
      pipeline: pipeline.name,
      now: start,
    };
    this.save(beginning);
    return beginning;
  }

  save(beginning: Beginning): void {
    if (this.kept) this.disk.replace(this.file, JSON.stringify(beginning));
  }

  /** Synthesises a configuration, or takes what was synthesised from it before. @returns the name of its assembly: the same for the same templates */
  async assemble(config: string, synthesised?: string): Promise<{ readonly pipeline: Pipeline; readonly assembly: string }> {
    const fresh = join(this.folder, 'assemblies', 'new');
    rmSync(fresh, { recursive: true, force: true });
    mkdirSync(fresh, { recursive: true });
    if (synthesised !== undefined) cpSync(synthesised, fresh, { recursive: true });
    const { pipeline } = await synthesise({ config, outdir: fresh, reuse: synthesised !== undefined });
    const assembly = fingerprint(fresh);
    const place = this.assembly(assembly);
    if (existsSync(place)) rmSync(fresh, { recursive: true });
    else renameSync(fresh, place);
    return { pipeline, assembly };
  }

  /** The folder of an assembly. */
  assembly(name: string): string {
    return join(this.folder, 'assemblies', name);
  }

  close(): void {
    if (!this.kept) rmSync(this.folder, { recursive: true, force: true });
  }

  private get file(): string {
    return join(this.folder, 'world.json');
  }
}

/** Templates name the hashes of their assets: they say all that a deployment changes. */
function fingerprint(folder: string): string {
  const hash = createHash('sha256');
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort())
    if (name.endsWith('.template.json')) hash.update(name).update(readFileSync(join(folder, name)));
  return hash.digest('hex').slice(0, 16);
}
