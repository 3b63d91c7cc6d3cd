/** `npm run bench:month [-- <days> <releases a day>]`: lets the example live for a month in a data folder, and measures how long a start takes then, how long without a snapshot, and how large the folder is. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ECRClient, GetAuthorizationTokenCommand } from '@aws-sdk/client-ecr';
import { Sha256 } from '@smithy/core/checksum';
import { HttpRequest } from '@smithy/core/protocols';
import { SignatureV4 } from '@smithy/signature-v4';
import { shortDigest } from '../domain/release/release.ts';
import { pushImage } from '../local/registry/push.ts';
import { RunningPipeline } from '../rehearsal/running.ts';

const config = resolve(import.meta.dirname, '../examples/acme/shiplock.config.ts');
/** Monday, 09:00 in Berlin. */
const START = Date.parse('2026-11-02T08:00:00Z');
const DAY = 86_400_000;
/** Seconds of the pipeline to one of the machine, as many as it can. */
const SPEED = 20_000;

export interface Month {
  readonly releases: number;
  readonly requests: number;
  /** Milliseconds until the pipeline answers. */
  readonly start: number;
  /** The same where everything is played again; undefined where that was not measured. */
  readonly replay: number | undefined;
  /** Bytes of the whole folder without the assemblies, of its journal, and of one snapshot. */
  readonly folder: number;
  readonly journal: number;
  readonly snapshot: number;
}

const open = async (data: string, said: string[] = []) => {
  const began = performance.now();
  const running = await RunningPipeline.open({ config, data, start: START, speed: SPEED, say: (text) => void said.push(text) });
  return { running, milliseconds: performance.now() - began };
};

async function push({ addresses }: RunningPipeline, tag: string): Promise<string> {
  const { region, endpoint, profiles } = addresses;
  const client = new ECRClient({ region, endpoint, credentials: { ...profiles['shiplock-admin']! } });
  const { authorizationData } = await client.send(new GetAuthorizationTokenCommand({}));
  const [user = '', password = ''] = Buffer.from(authorizationData?.[0]?.authorizationToken ?? '', 'base64')
    .toString()
    .split(':');
  const labels = { 'shiplock.commit.author': 'developer@example.com', 'org.opencontainers.image.revision': tag };
  const image = { repository: 'gateway', tag, labels, created: new Date(START), provenance: false };
  return (await pushImage({ url: `http://${addresses.registry}`, credentials: { user, password }, ...image })).digest;
}

async function approve({ addresses }: RunningPipeline, profile: string, stage: string, digest: string): Promise<void> {
  const { host, hostname, port } = new URL(addresses.decideUrl);
  const body = JSON.stringify({ verb: 'approve', approval: `${stage}/gateway/${shortDigest(digest)}/1`, digest });
  const headers = { host, 'content-type': 'application/json' };
  const request = new HttpRequest({ method: 'POST', protocol: 'http:', hostname, port: Number(port), path: '/', headers, body });
  const { region, profiles } = addresses;
  const signer = new SignatureV4({ service: 'lambda', region, credentials: profiles[profile]!, sha256: Sha256 as never });
  const response = await fetch(addresses.decideUrl, { method: 'POST', headers: (await signer.sign(request)).headers, body });
  if (!response.ok) throw new Error(`${stage} was not approved: ${await response.text()}`);
}

const sizeOf = (path: string): number =>
  statSync(path).isFile() ? statSync(path).size : readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0);

/** Milliseconds until it answers where there is no snapshot. */
async function replay(data: string): Promise<number> {
  rmSync(join(data, 'snapshots'), { recursive: true });
  const { running, milliseconds } = await open(data);
  await running.close();
  return milliseconds;
}

/**
 * @param days of the pipeline, on five of seven of which `perDay` releases go live
 * @param replays measures, too, how long it takes to play everything again
 */
export async function month(days = 30, perDay = 1, replays = false): Promise<Month> {
  const data = mkdtempSync(join(tmpdir(), 'shiplock-month-'));
  try {
    const { running } = await open(data);
    const told: string[] = [];
    await running.onJournal(({ text }) => void told.push(text));
    const until = async (text: string) => {
      while (!told.some((one) => one.includes(text))) await sleep(5);
    };
    let releases = 0;
    for (let day = 0; day < days; day++) {
      while (running.now() < START + day * DAY) await sleep(5);
      if (day % 7 > 4) continue;
      for (let number = 1; number <= perDay; number++) {
        const tag = `1.${day}.${number}`;
        const digest = await push(running, tag);
        await until(`gateway ${tag}: waits for approval for beta`);
        await approve(running, 'acme-integration-lead', 'beta', digest);
        await until(`gateway ${tag}: waits for approval for live`);
        await approve(running, 'acme-release-manager', 'live+sandbox', digest);
        await until(`gateway ${tag}: runs in live`);
        releases++;
      }
    }
    while (running.now() < START + days * DAY) await sleep(5);
    await running.close();
    const said: string[] = [];
    const again = await open(data, said);
    await again.running.close();
    if (!said.some((text) => text.startsWith('goes on from'))) throw new Error(`it did not start from a snapshot: ${said.join('; ')}`);
    const sizes = {
      folder: sizeOf(data) - sizeOf(join(data, 'assemblies')),
      journal: sizeOf(join(data, 'inputs.jsonl')),
      snapshot: Math.max(
        ...readdirSync(join(data, 'snapshots')).map((name) => (name.endsWith('.snapshot') ? sizeOf(join(data, 'snapshots', name)) : 0)),
      ),
    };
    const requests = readFileSync(join(data, 'inputs.jsonl'), 'utf8').split('"kind":"request"').length - 1;
    return { releases, requests, start: again.milliseconds, replay: replays ? await replay(data) : undefined, ...sizes };
  } finally {
    rmSync(data, { recursive: true, force: true });
  }
}

if (process.argv[1] === import.meta.filename) {
  const [days, perDay] = process.argv.slice(2).map(Number);
  process.stdout.write(`${JSON.stringify(await month(days, perDay, true), null, 2)}\n`);
}
