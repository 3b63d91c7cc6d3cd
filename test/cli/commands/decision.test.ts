/** The commands that change something, against a pipeline that a server plays: what they send, signed by whom, and how they end. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../../..');
const digest = `sha256:${'ab'.repeat(32)}`;

interface Sent {
  readonly authorization: string;
  readonly body: Record<string, unknown>;
}

let server: Server;
let data: string;
let sent: Sent[] = [];
let reply: { status: number; body: object; date?: string } = { status: 200, body: { message: 'done' } };
/** What the ledger holds, by partition key and beginning of the sort key. */
let items: Record<string, unknown>[] = [];

const value = (one: unknown): object =>
  typeof one === 'number'
    ? { N: String(one) }
    : Array.isArray(one)
      ? { L: one.map(value) }
      : typeof one === 'boolean'
        ? { BOOL: one }
        : typeof one === 'object' && one !== null
          ? { M: marshalled(one as Record<string, unknown>) }
          : { S: String(one) };
const marshalled = (item: Record<string, unknown>): Record<string, object> =>
  Object.fromEntries(Object.entries(item).map(([name, one]) => [name, value(one)]));

/** Answers what the ledger is asked: gets by key, queries by partition and beginning. */
function dynamo(
  target: string,
  input: { Key?: Record<string, { S: string }>; ExpressionAttributeValues?: Record<string, { S: string }> },
): object {
  if (target.endsWith('GetItem')) {
    const found = items.find(({ pk, sk }) => pk === input.Key?.pk?.S && sk === input.Key?.sk?.S);
    return found ? { Item: marshalled(found) } : {};
  }
  const values = Object.values(input.ExpressionAttributeValues ?? {}).map(({ S }) => S);
  return {
    Items: items.filter((item) => [item.pk, item.gpk].some((key) => values.includes(String(key)))).map(marshalled),
  };
}

beforeAll(async () => {
  server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8');
    });
    request.on('end', () => {
      const target = String(request.headers['x-amz-target'] ?? '');
      response.setHeader('content-type', 'application/json');
      if (target.startsWith('DynamoDB')) return void response.end(JSON.stringify(dynamo(target, JSON.parse(text) as object)));
      sent.push({ authorization: String(request.headers.authorization), body: JSON.parse(text) as Record<string, unknown> });
      response.statusCode = reply.status;
      response.end(JSON.stringify(reply.body));
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  data = mkdtempSync(join(tmpdir(), 'shiplock-decide-'));
  const key = (name: string) => ({ accessKeyId: `AKIA${name}`, secretAccessKey: 'secret' });
  writeFileSync(
    join(data, 'local.json'),
    JSON.stringify({
      endpoint: url,
      registry: '',
      region: 'eu-central-1',
      account: '111111111111',
      pipeline: 'acme',
      config: join(root, 'examples/acme/shiplock.config.ts'),
      loadBalancers: {},
      decideUrl: url,
      profiles: { 'shiplock-admin': key('ADMIN'), 'acme-release-manager': { ...key('MANAGER'), person: 'release-manager@example.com' } },
      pid: process.pid,
    }),
  );
});
afterAll(() => {
  server.close();
  rmSync(data, { recursive: true, force: true });
});
beforeEach(() => {
  sent = [];
  items = [];
  reply = { status: 200, body: { message: 'done' } };
});

function shiplock(...words: string[]): Promise<{ status: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, [join(root, 'cli/main.ts'), ...words, '--data', data, '--as', 'release-manager'], { cwd: root });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString('utf8');
  });
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk.toString('utf8');
  });
  return new Promise((done) => child.on('close', (status) => done({ status, out, err })));
}

const release = {
  pk: 'REPOSITORY#orders',
  sk: `RELEASE#${digest}`,
  repository: 'orders',
  digest,
  tag: 'git_1',
  order: '1',
  admittedAt: '2026-11-23T08:00:00Z',
  execution: 'orders-1',
  state: 'succeeded',
};

describe('a decision', () => {
  it('goes to decide, signed by the person', async () => {
    const { status, out } = await shiplock('freeze', 'test', '--reason', 'moving house');
    expect({ status, out }).toEqual({ status: 0, out: '✓ done\n' });
    expect(sent[0]?.body).toEqual({ verb: 'freeze', environment: 'test', reason: 'moving house' });
    expect(sent[0]?.authorization).toMatch(/^AWS4-HMAC-SHA256 Credential=AKIAMANAGER\/\d{8}\/eu-central-1\/lambda\/aws4_request/);
  });

  it('that is refused ends with 3 and the reason, its escapes shown', async () => {
    reply = { status: 403, body: { message: 'live is frozen by x: “\u001b[31mred”' } };
    const { status, err } = await shiplock('thaw', 'test');
    expect(status).toBe(3);
    expect(err).toContain('refused: live is frozen');
    expect(err).not.toContain('\u001b');
  });

  it('that is not understood ends with 2, and a broken pipeline with 1', async () => {
    reply = { status: 400, body: { message: 'not a decision' } };
    expect((await shiplock('wake', 'test')).status).toBe(2);
    reply = { status: 502, body: { message: 'Internal Server Error' } };
    expect(await shiplock('wake', 'test')).toEqual({
      status: 1,
      out: '',
      err: 'shiplock failed: wake: the pipeline answered 502: Internal Server Error\n',
    });
  });

  it('about live is not sent where nobody can be asked, unless --yes-live is said', async () => {
    expect(await shiplock('restart', 'live')).toMatchObject({ status: 2, err: expect.stringContaining('--yes-live') });
    expect(sent).toEqual([]);
    expect((await shiplock('restart', 'live', '--yes-live')).status).toBe(0);
    expect(sent[0]?.body).toEqual({ verb: 'restart', environment: 'live' });
  });

  it('names the digest behind a tag of the service’s repository', async () => {
    items = [release];
    expect((await shiplock('deploy', 'orders-web', 'git_1', 'test')).status).toBe(0);
    expect(sent[0]?.body).toEqual({ verb: 'promote', repository: 'orders', digest, to: 'test' });
    expect((await shiplock('rollback', 'test', '--to', 'orders@git_1', '--now')).status).toBe(0);
    expect(sent[1]?.body).toEqual({ verb: 'rollback', environment: 'test', repository: 'orders', to: digest, now: true });
  });

  it('that stops something says, when it has waited, whether what ran before is back', async () => {
    const promotion = { pk: 'PROMOTION#p1', sk: 'PROMOTION', promotion: 'p1', environment: 'test', reason: 'aborted' };
    const freeze = { pk: 'ENVIRONMENT#test', sk: 'RESTRICTION#FREEZE', manualIntervention: true, reason: 'ECS could not go back' };
    reply = { status: 200, body: { message: 'stopped', execution: 'p1', stopped: true } };
    const rollback = () => shiplock('rollback', 'test', '--repository', 'orders', '--now', '--wait');
    items = [{ ...promotion, state: 'refused' }];
    expect(await rollback()).toMatchObject({ status: 0, out: expect.stringContaining('what ran before is back') });
    items = [{ ...promotion, state: 'succeeded' }];
    expect(await rollback()).toMatchObject({ status: 1, out: expect.stringContaining('before it could be stopped') });
    items = [{ ...promotion, state: 'refused' }, freeze];
    expect(await rollback()).toMatchObject({ status: 1, out: expect.stringContaining('ECS could not go back') });
  });

  it('about a set sends exactly what was verified, and nothing if something was not', async () => {
    items = [{ ...release, pk: 'ENVIRONMENT#test', sk: 'RUNS#orders', environment: 'test', verified: true }];
    expect((await shiplock('promote', '--from', 'test', '--to', 'beta')).status).toBe(0);
    expect(sent[0]?.body).toEqual({ verb: 'promote-set', from: 'test', to: 'beta', manifest: { orders: digest } });
    items = [{ ...items[0], verified: false }];
    expect(await shiplock('promote', '--from', 'test', '--to', 'beta')).toMatchObject({
      status: 2,
      err: expect.stringContaining('not verified in test: orders git_1'),
    });
  });

  it('needs a reason in words where one is given, and not a book', async () => {
    for (const [reason, said] of [
      ['  ', 'Say why, in words.'],
      ['x'.repeat(1001), 'At most 1000 characters are kept.'],
    ] as const)
      expect(await shiplock('freeze', 'test', '--reason', reason)).toMatchObject({ status: 2, err: expect.stringContaining(said) });
    expect(await shiplock('deploy', 'orders-web', 'git_1', 'test', '--hotfix', '')).toMatchObject({ status: 2 });
    expect(sent).toEqual([]);
  });

  it('in an account is made by who the credentials say, never by another name', async () => {
    expect(await shiplock('thaw', 'test', '--aws')).toMatchObject({
      status: 2,
      err: expect.stringContaining('choose them with --profile'),
    });
    expect(sent).toEqual([]);
  });

  it('about a name that is not there is not sent, and the nearest is told', async () => {
    expect(await shiplock('wake', 'tst')).toMatchObject({ status: 2, err: expect.stringContaining('did you mean "test"?') });
    expect(sent).toEqual([]);
  });
});

describe('an approval into what is frozen', () => {
  it('says beforehand that it would be spent, and by what', async () => {
    const asked = { approval: `beta/orders/${'ab'.repeat(6)}/1`, stage: 'beta', releaseRun: 'orders-1', state: 'waiting' };
    const frozen = { environment: 'beta', by: 'integration-lead@example.com', at: '2026-11-23T08:00:00Z', reason: 'Black Friday' };
    items = [
      { ...asked, pk: 'STAGE#beta', sk: 'GATE#orders', gpk: 'GATES', release: { repository: 'orders', digest, tag: 'git_1' } },
      { ...frozen, pk: 'ENVIRONMENT#beta', sk: 'RESTRICTION#FREEZE', manualIntervention: false },
    ];
    const { status, err } = await shiplock('approve', 'orders@git_1');
    expect(err).toContain('beta is frozen since Mon 23 Nov 09:00 by integration-lead@example.com: “Black Friday”');
    expect(err).toContain('a release that is approved before that ends is refused in beta');
    expect(status).toBe(0);
    items = [...items, { ...release, hotfix: { by: 'integration-lead@example.com', reason: 'customers cannot pay' } }];
    expect((await shiplock('approve', 'orders@git_1')).err).not.toContain('frozen');
  });
});

describe('an approval of what was answered already', () => {
  const gate = {
    pk: 'STAGE#beta',
    sk: 'GATE#orders',
    approval: `beta/orders/${'ab'.repeat(6)}/1`,
    stage: 'beta',
    release: { repository: 'orders', digest, tag: 'git_1' },
    state: 'approved',
    askedAt: '2026-11-23T08:00:00Z',
  };
  beforeEach(() => {
    items = [release, gate];
    reply = { status: 403, body: { message: 'orders git_1 has already been approved for beta' } };
  });

  it.each([gate.approval, 'orders@git_1'])(
    'is sent all the same, named as %s: the pipeline says what has become of it, and keeps who asked',
    async (named) => {
      expect(await shiplock('approve', named)).toMatchObject({ status: 3, err: expect.stringContaining('already been approved') });
      expect(sent[0]?.body).toEqual({ verb: 'approve', approval: gate.approval, digest });
    },
  );

  it('and asked where something newer asks now, is sent too', async () => {
    items = [{ ...release, stage: 'beta', attempt: 1, state: 'superseded' }];
    expect((await shiplock('approve', 'orders@git_1')).status).toBe(3);
    expect(sent[0]?.body).toEqual({ verb: 'approve', approval: gate.approval, digest });
  });

  it.each(['beta/orders/000000000000/1', 'orders@git_9', 'nowhere/orders/abababababab/1'])(
    'is not sent where there was none: %s',
    async (named) => {
      expect(await shiplock('approve', named)).toMatchObject({ status: 2, err: expect.stringContaining('no approval request') });
      expect(sent).toEqual([]);
    },
  );
});

describe('wait', () => {
  const ended = async (state: string) => {
    items = [{ pk: 'PROMOTION#p', sk: 'PROMOTION', promotion: 'p', environment: 'test', state, reason: 'because' }];
    return (await shiplock('wait', 'p')).status;
  };

  it('ends as the promotion did', async () => {
    expect([await ended('succeeded'), await ended('failed'), await ended('refused')]).toEqual([0, 1, 3]);
  });
});
