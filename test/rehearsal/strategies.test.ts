/** Every strategy in real time, under requests that customers send over real HTTP all the while: none fails. */
import { resolve } from 'node:path';
import { ECRClient, GetAuthorizationTokenCommand } from '@aws-sdk/client-ecr';
import { afterEach, expect, it } from 'vitest';
import type { JournalEntry } from '../../domain/ledger/records.ts';
import { pushImage } from '../../local/registry/push.ts';
import { RunningPipeline } from '../../rehearsal/running.ts';

const config = resolve(import.meta.dirname, 'strategies/shiplock.config.ts');
/** Monday, 09:00 in Berlin. */
const start = Date.parse('2026-11-23T08:00:00Z');

let running: RunningPipeline | undefined;
afterEach(() => running?.close());

it('rolling, blue/green, canary and linear fail no request over HTTP', async () => {
  running = await RunningPipeline.open({ config, start, speed: 120 });
  const { addresses } = running;
  const entries: JournalEntry[] = [];
  await running.onJournal((entry) => entries.push(entry));

  /** @param status that tells this version from others */
  const push = async (tag: string, status: number) => {
    const client = new ECRClient({
      region: addresses.region,
      endpoint: addresses.endpoint,
      credentials: addresses.profiles['shiplock-admin']!,
    });
    const { authorizationData } = await client.send(new GetAuthorizationTokenCommand({}));
    const [user = '', password = ''] = Buffer.from(authorizationData?.[0]?.authorizationToken ?? '', 'base64')
      .toString()
      .split(':');
    const labels = { 'local.aws.responses': JSON.stringify({ '/version': status }) };
    const image = { repository: 'door', tag, labels, created: new Date(start), provenance: false };
    return (await pushImage({ url: `http://${addresses.registry}`, credentials: { user, password }, ...image })).digest;
  };
  const ended = (digest: string) => entries.find((entry) => entry.digest === digest && entry.event === 'ended' && !entry.environment);
  const answers = new Map<string, Map<number, number>>();
  const visit = async () => {
    for (const [environment, url] of Object.entries(addresses.loadBalancers)) {
      const response = await fetch(`${url}/version`);
      await response.arrayBuffer();
      const counts = answers.get(environment) ?? new Map<number, number>();
      answers.set(environment, counts.set(response.status, (counts.get(response.status) ?? 0) + 1));
    }
  };

  const first = await push('build-1', 200);
  while (!ended(first)) await visit();
  expect(ended(first)?.text).toContain('has reached linear');
  answers.clear();
  const second = await push('build-2', 202);
  while (!ended(second)) await visit();
  expect(ended(second)?.text).toContain('has reached linear');

  for (const [environment, counts] of answers) {
    // Both versions have answered, and nothing else has.
    expect([environment, [...counts.keys()].toSorted()]).toEqual([environment, [200, 202]]);
    expect([...counts.values()].reduce((sum, count) => sum + count, 0)).toBeGreaterThan(50);
  }
}, 120_000);
