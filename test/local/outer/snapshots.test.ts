/** A data folder whose process ends at any moment: nothing that was answered is lost, whatever was half written. */
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateQueueCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterEach, describe, expect, it } from 'vitest';
import { clientConfig } from '../../../local/core/client.ts';
import { VirtualClock } from '../../../local/core/clock.ts';
import type { HttpRequest } from '../../../local/core/http.ts';
import type { World as WorldInside } from '../../../local/core/site.ts';
import { World } from '../../../local/core/world.ts';
import { Disk } from '../../../local/outer/disk.ts';
import { Inputs } from '../../../local/outer/inputs.ts';
import { Snapshots } from '../../../local/outer/snapshots.ts';
import { factories } from '../../../local/services/index.ts';
import { loadWorld, type SavedWorld, saveWorld } from '../../../local/snapshot/world.ts';

const account = '111122223333';
const region = 'eu-central-1';
const QueueUrl = `https://sqs.${region}.amazonaws.com/${account}/work`;
const start = Date.parse('2026-11-23T08:00:00Z');

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'shiplock-kept-'));
  ends.push(() => rmSync(made, { recursive: true }));
  return made;
}

/** The process is gone. */
class Killed extends Error {}

/** Ends the process at one of its writes, of which so much is done. */
class KillingDisk extends Disk {
  done = 0;
  /** Of each write, whether it can be done in part. */
  readonly kinds: boolean[] = [];
  private readonly at: number;
  private readonly part: number;

  constructor(at: number, part: number) {
    super();
    this.at = at;
    this.part = part;
  }

  override append(path: string, text: string): void {
    this.step(
      () => super.append(path, text),
      () => appendFileSync(path, Buffer.from(text).subarray(0, Math.floor(Buffer.byteLength(text) * this.part))),
    );
  }

  override write(path: string, content: string | Uint8Array): void {
    const bytes = Buffer.from(content as string);
    this.step(
      () => super.write(path, content),
      () => writeFileSync(path, bytes.subarray(0, Math.floor(bytes.length * this.part))),
    );
  }

  override rename(from: string, to: string): void {
    this.step(
      () => super.rename(from, to),
      () => this.part === 1 && renameSync(from, to),
      false,
    );
  }

  override remove(path: string): void {
    this.step(
      () => super.remove(path),
      () => this.part === 1 && rmSync(path, { force: true }),
      false,
    );
  }

  private step(whole: () => void, half: () => unknown, isDivisible = true): void {
    if (this.done > this.at) throw new Killed();
    this.kinds.push(isDivisible);
    if (this.done++ < this.at) whole();
    else {
      half();
      throw new Killed();
    }
  }
}

/** A world in a folder, as `shiplock local --data` keeps one. */
class Kept {
  readonly world: World;
  readonly notes: { large: Uint8Array };
  /** How many inputs were played again at the start. */
  readonly played: number;
  private readonly inputs: Inputs;
  private readonly snapshots: Snapshots;

  private constructor(parts: Pick<Kept, 'world' | 'notes' | 'played'> & { inputs: Inputs; snapshots: Snapshots }) {
    this.world = parts.world;
    this.notes = parts.notes;
    this.played = parts.played;
    this.inputs = parts.inputs;
    this.snapshots = parts.snapshots;
  }

  static async open(path: string, disk = new Disk(), code = 'v1'): Promise<Kept> {
    const inputs = new Inputs(path, disk);
    const snapshots = new Snapshots(path, disk, code);
    const around = () => ({ notes: { large: new Uint8Array() } });
    for (const { position, content, blobs } of snapshots.read()) {
      if (!inputs.knows(position)) continue;
      try {
        const { world, notes } = await loadWorld(JSON.parse(content) as SavedWorld, around, blobs);
        return new Kept({ world, notes, inputs, snapshots, played: await play(world, inputs.read(position)) });
      } catch {
        // The one before it, or everything from the beginning.
      }
    }
    const world = new World(new VirtualClock(start), factories, 7);
    world.site(account, region).service('iam').root();
    return new Kept({ world, ...around(), inputs, snapshots, played: await play(world, inputs.read()) });
  }

  private get client(): SQSClient {
    const http = async (request: HttpRequest) => {
      const number = this.inputs.add({ kind: 'request', at: this.world.clock.now(), entrance: 'api', request });
      const response = await this.world.http(request);
      this.inputs.answered(number, response.status);
      return response;
    };
    const outside = { clock: this.world.clock, http } as unknown as WorldInside;
    return new SQSClient(clientConfig(outside, { region, credentials: this.world.site(account, region).service('iam').root() }));
  }

  async create(): Promise<void> {
    await this.client.send(new CreateQueueCommand({ QueueName: 'work' }));
  }

  /** Resolves once it is answered. */
  async send(MessageBody: string): Promise<void> {
    await this.client.send(new SendMessageCommand({ QueueUrl, MessageBody }));
  }

  snapshot(): void {
    this.notes.large = new Uint8Array(5_000).fill(this.bodies.length);
    const { notes } = this;
    this.snapshots.add(this.inputs.position, (blobs) =>
      JSON.stringify(saveWorld(this.world, { notes }, () => ({ notes: { large: new Uint8Array() } }), blobs)),
    );
  }

  /** The first character of each message. */
  get bodies(): string {
    const queue = this.world.site(account, region).service('sqs').queue(QueueUrl);
    return queue.bodies.map((body) => body[0]).join('');
  }
}

async function play(world: World, inputs: ReturnType<Inputs['read']>): Promise<number> {
  for (const { input } of inputs) if (input.kind === 'request') await world.http(input.request);
  return inputs.length;
}

/** What a day brings: small and large requests, and snapshots between them. @returns what was answered */
async function day(path: string, disk: Disk): Promise<{ readonly answered: string; readonly ended: boolean }> {
  let answered = '';
  try {
    const kept = await Kept.open(path, disk);
    await kept.create();
    answered = '.';
    for (const [name, length] of Object.entries({ a: 1, b: 30_000, c: 1, d: 1 })) {
      await kept.send(name.repeat(length));
      answered += name;
      if (name !== 'c') kept.snapshot();
    }
  } catch (error) {
    if (!(error instanceof Killed)) throw error;
    return { answered, ended: false };
  }
  return { answered, ended: true };
}

const snapshotsIn = (path: string) => readdirSync(join(path, 'snapshots')).filter((name) => name.endsWith('.snapshot'));

describe('a process that is killed at a write', () => {
  it('has lost nothing of what was answered, whichever write it was and however much of it was done', async () => {
    const counting = new KillingDisk(Number.POSITIVE_INFINITY, 1);
    expect((await day(folder(), counting)).ended).toBe(true);
    expect(counting.done).toBeGreaterThan(25);
    for (let at = 0; at < counting.done; at++)
      for (const part of counting.kinds[at] ? [0, 0.5, 0.99, 1] : [0, 1]) {
        const path = folder();
        const where = `killed at write ${at}, of which ${part} was done`;
        const { answered, ended } = await day(path, new KillingDisk(at, part));
        expect(ended, where).toBe(false);
        if (answered === '') continue;
        const again = await Kept.open(path);
        // What was asked for and not answered may have happened or not.
        const names = answered.slice(1);
        expect([names, names + String.fromCharCode(97 + names.length)], where).toContain(again.bodies);
        // It goes on: also after a line or a file that was torn.
        const before = again.bodies;
        await again.send('z');
        again.snapshot();
        await again.send('y');
        const later = await Kept.open(path);
        expect(later.bodies, where).toBe(`${before}zy`);
        expect(later.played, where).toBe(1);
      }
  }, 120_000);
});

describe('a snapshot', () => {
  async function kept(): Promise<string> {
    const path = folder();
    await day(path, new Disk());
    return path;
  }

  it('is where a start begins: only what came later is played again', async () => {
    const path = await kept();
    const again = await Kept.open(path);
    expect([again.bodies, again.played]).toEqual(['abcd', 0]);
    expect(again.notes.large).toEqual(new Uint8Array(5_000).fill(4));
  });

  it('is one of two at most, and large bytes go with the snapshots that need them', async () => {
    const path = await kept();
    expect(snapshotsIn(path)).toEqual(['00000002.snapshot', '00000003.snapshot']);
    expect(readdirSync(join(path, 'snapshots', 'bodies'))).toHaveLength(2);
  });

  it('is passed over where a byte of it is another, for the one before it, and then for the beginning', async () => {
    const path = await kept();
    const [older, newer] = snapshotsIn(path).map((name) => join(path, 'snapshots', name));
    for (const [file, played] of [
      [newer!, 2],
      [older!, 5],
    ] as const) {
      const bytes = readFileSync(file);
      bytes[bytes.length - 10]! ^= 1;
      writeFileSync(file, bytes);
      const again = await Kept.open(path);
      expect([again.bodies, again.played]).toEqual(['abcd', played]);
    }
  });

  it.each([0, 1, 100, 1_000])('is passed over where only %i bytes of it are there', async (length) => {
    const path = await kept();
    truncateSync(join(path, 'snapshots', snapshotsIn(path)[1]!), length);
    const again = await Kept.open(path);
    expect([again.bodies, again.played]).toEqual(['abcd', 2]);
  });

  it('is passed over where large bytes of it are gone or others', async () => {
    const path = await kept();
    const bodies = join(path, 'snapshots', 'bodies');
    for (const name of readdirSync(bodies)) writeFileSync(join(bodies, name), 'others');
    expect((await Kept.open(path)).played).toBe(5);
    for (const name of readdirSync(bodies)) rmSync(join(bodies, name));
    expect((await Kept.open(path)).played).toBe(5);
  });

  it('of another version of local AWS is passed over: all is played again', async () => {
    const path = await kept();
    const again = await Kept.open(path, new Disk(), 'v2');
    expect([again.bodies, again.played]).toEqual(['abcd', 5]);
  });

  it('of another journal is passed over', async () => {
    const path = await kept();
    const lines = readFileSync(join(path, 'inputs.jsonl'), 'utf8').trimEnd().split('\n');
    writeFileSync(join(path, 'inputs.jsonl'), `${lines.slice(0, 4).join('\n')}\n`);
    const again = await Kept.open(path);
    expect([again.bodies, again.played]).toEqual(['a', 2]);
  });
});
