/** A pipeline in real time, as people outside have it: pushed to and decided over HTTP, stopped, and gone on with. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ECRClient, GetAuthorizationTokenCommand } from '@aws-sdk/client-ecr';
import { DescribeServicesCommand, ECSClient, UpdateServiceCommand } from '@aws-sdk/client-ecs';
import { ListExecutionsCommand, SFNClient } from '@aws-sdk/client-sfn';
import { Sha256 } from '@smithy/core/checksum';
import { HttpRequest } from '@smithy/core/protocols';
import { SignatureV4 } from '@smithy/signature-v4';
import { afterEach, expect, inject, it } from 'vitest';
import type { JournalEntry } from '../../domain/ledger/records.ts';
import { shortDigest } from '../../domain/release/release.ts';
import { pushImage } from '../../local/registry/push.ts';
import { profilesFile } from '../../rehearsal/profiles.ts';
import { RunningPipeline } from '../../rehearsal/running.ts';
import { exampleConfig } from '../assembly.ts';

/** Monday, 08:00 in Berlin. */
const start = Date.parse('2026-11-23T07:00:00Z');

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function open(data: string) {
  const said: string[] = [];
  const say = (text: string) => void said.push(text);
  const running = await RunningPipeline.open({ config: exampleConfig, synthesised: inject('assembly'), data, start, speed: 300, say });
  let closed = false;
  const close = async () => {
    if (!closed) await running.close();
    closed = true;
  };
  ends.push(close);
  const entries: JournalEntry[] = [];
  let heard: () => void = () => undefined;
  await running.onJournal((entry) => {
    entries.push(entry);
    heard();
  });
  const until = async (text: string) => {
    while (!entries.some((entry) => entry.text.includes(text))) await new Promise<void>((resolve) => (heard = resolve));
  };
  const connection = (profile: string) => ({
    region: running.addresses.region,
    endpoint: running.addresses.endpoint,
    credentials: { ...running.addresses.profiles[profile]! },
  });
  return { running, addresses: running.addresses, said, close, until, connection };
}

type Open = Awaited<ReturnType<typeof open>>;

async function push({ connection, addresses }: Open, tag: string): Promise<string> {
  const { authorizationData } = await new ECRClient(connection('shiplock-admin')).send(new GetAuthorizationTokenCommand({}));
  const token = authorizationData?.[0]?.authorizationToken ?? '';
  const [user = '', password = ''] = Buffer.from(token, 'base64').toString().split(':');
  const labels = { 'shiplock.commit.author': 'developer@example.com' };
  const image = { repository: 'gateway', tag, labels, created: new Date(start), provenance: false };
  return (await pushImage({ url: `http://${addresses.registry}`, credentials: { user, password }, ...image })).digest;
}

async function decide({ addresses }: Open, profile: string, decision: object): Promise<{ status: number; text: string }> {
  const { host, hostname, port } = new URL(addresses.decideUrl);
  const body = JSON.stringify(decision);
  const headers = { host, 'content-type': 'application/json' };
  const request = new HttpRequest({ method: 'POST', protocol: 'http:', hostname, port: Number(port), path: '/', headers, body });
  const credentials = addresses.profiles[profile]!;
  const signer = new SignatureV4({ service: 'lambda', region: addresses.region, credentials, sha256: Sha256 as never });
  const response = await fetch(addresses.decideUrl, { method: 'POST', headers: (await signer.sign(request)).headers, body });
  return { status: response.status, text: await response.text() };
}

it('takes a push and decisions over HTTP, survives a stop with an open approval, and has the same keys, images and services after it', async () => {
  const data = mkdtempSync(join(tmpdir(), 'shiplock-running-'));
  ends.push(() => rmSync(data, { recursive: true }));
  const first = await open(data);
  const digest = await push(first, '1.1.0');
  await first.until('waits for approval for beta');
  await first.close();

  const second = await open(data);
  expect(second.addresses.profiles).toEqual(first.addresses.profiles);
  expect(second.said.join('\n')).toContain('goes on from how it was at 2026-11-23T07:');
  expect(second.said.join('\n')).not.toMatch(/differently|plays again|cannot be used/);
  expect(second.running.now()).toBeGreaterThanOrEqual(first.running.now());
  const stateMachineArn = 'arn:aws:states:eu-central-1:111111111111:stateMachine:acme-release';
  const { executions = [] } = await new SFNClient(second.connection('shiplock-admin')).send(new ListExecutionsCommand({ stateMachineArn }));
  expect(executions.map(({ status }) => status)).toEqual(['RUNNING']);
  const { services = [] } = await new ECSClient(second.connection('shiplock-admin')).send(
    new DescribeServicesCommand({ cluster: 'acme-test', services: ['gateway'] }),
  );
  expect(services.map(({ runningCount }) => runningCount)).toEqual([1]);

  const approval = { verb: 'approve', approval: `beta/gateway/${shortDigest(digest)}/1`, digest };
  expect((await decide(second, 'acme-release-manager', approval)).status).toBe(403);
  expect((await decide(second, 'acme-test-deploy', approval)).status).toBe(403);
  expect(await decide(second, 'acme-integration-lead', approval)).toMatchObject({ status: 200 });
  await second.until('gateway 1.1.0: runs in beta');
  const answer = await fetch(`${second.addresses.loadBalancers.beta}/health`);
  expect(answer.status).toBe(200);
}, 60_000);

it('lets a role do only what it may, and tells whose folder it is', async () => {
  const data = mkdtempSync(join(tmpdir(), 'shiplock-running-'));
  ends.push(() => rmSync(data, { recursive: true }));
  const { connection, addresses, close } = await open(data);
  const asPeople = new ECSClient(connection('acme-developer'));
  await expect(asPeople.send(new UpdateServiceCommand({ cluster: 'acme-test', service: 'gateway', desiredCount: 0 }))).rejects.toThrow(
    /not authorized to perform: ecs:UpdateService/,
  );
  const file = profilesFile(addresses.profiles, addresses.region, addresses.endpoint);
  expect(file).toContain(
    `[profile acme-developer]\nregion = eu-central-1\nendpoint_url = ${addresses.endpoint}\ndisable_host_prefix_injection = true\n`,
  );
  await close();
  const world = JSON.parse(readFileSync(join(data, 'world.json'), 'utf8')) as Record<string, unknown>;
  const { writeFileSync } = await import('node:fs');
  writeFileSync(join(data, 'world.json'), JSON.stringify({ ...world, pipeline: 'other' }));
  await expect(open(data)).rejects.toThrow(/holds the pipeline other .* give acme another folder with --data/);
}, 60_000);
