/** The door of decisions by values: who stands before it, what they say, and what is never read. */
import { describe, expect, it } from 'vitest';
import { peopleRole } from '../../domain/pipeline/names.ts';
import { decide } from '../../functions/decide.ts';
import { digest, pipeline } from '../domain/parts.ts';

const manager = 'release-manager@example.com';
const arnOf = (session: string, role = peopleRole('acme'), account = '111111111111') =>
  `arn:aws:sts::${account}:assumed-role/${role}/${session}`;

/** @param caller as the signature proves; undefined where the event has no authorizer */
async function said(body: unknown, { caller = arnOf(manager), method = 'POST', encoded = false }: Partial<SentNotices> = {}) {
  const written: { subject: string; who: string; text: string }[] = [];
  const read: string[] = [];
  const world = {
    pipeline,
    // Whatever a refused decision would read or write is a mistake that shows here.
    ledger: new Proxy({}, { get: (_, name) => read.push(String(name)) && (async () => undefined) }),
    journal: { write: async (entry: (typeof written)[number]) => void written.push(entry) },
    workflows: { start: async () => read.push('start') > 0, stop: async () => read.push('stop') > 0 },
  } as never;
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const { statusCode, body: answer } = await decide(world)(
    {
      body: encoded ? Buffer.from(text).toString('base64') : text,
      isBase64Encoded: encoded,
      requestContext: { requestId: 'r1', http: { method }, ...(caller === 'nobody' ? {} : { authorizer: { iam: { userArn: caller } } }) },
    },
    { now: () => 1_000_000, logger: { info() {}, warn() {} }, count() {} } as never,
  );
  return { status: statusCode, message: (JSON.parse(answer) as { message: string }).message, written, read };
}

interface SentNotices {
  readonly caller: string;
  readonly method: string;
  readonly encoded: boolean;
}

const approve = { verb: 'approve', approval: 'beta/gateway/aaaaaaaaaaaa/1', digest: digest('a') };

describe('what is no decision', () => {
  it.each([
    ['no text', ''],
    ['no JSON', 'approve it'],
    ['nothing', null],
    ['a list', [approve]],
    ['no verb', { environment: 'test' }],
    ['a verb with a slip', { ...approve, verb: 'aprove' }],
    ['the verb of an object’s own members', { verb: 'constructor' }],
    ['a key that nobody knows', { ...approve, force: true }],
    ['a missing key', { verb: 'approve', approval: approve.approval }],
    ['a number for a text', { ...approve, approval: 7 }],
    ['an endless text', { ...approve, approval: 'x'.repeat(301) }],
    ['a freeze without a reason', { verb: 'freeze', environment: 'live', reason: '' }],
    ['a freeze until no time', { verb: 'freeze', environment: 'live', reason: 'x', until: 'tomorrow' }],
    ['a promotion of a tag', { verb: 'promote', repository: 'gateway', digest: '1.0.0', to: 'live' }],
    ['a promotion of a digest with more behind it', { verb: 'promote', repository: 'gateway', digest: `${digest('a')}\n`, to: 'live' }],
    ['a teardown of two', { verb: 'teardown', environment: ['test', 'live'] }],
  ])('as %s is not understood, and nothing is read or written', async (_, body) => {
    const { status, written, read } = await said(body);
    expect({ status, written, read }).toEqual({ status: 400, written: [], read: [] });
  });

  it.each(['GET', 'PUT', 'DELETE', 'HEAD'])('as a %s is refused, whoever asks', async (method) => {
    expect(await said(approve, { method })).toMatchObject({ status: 405, written: [], read: [] });
  });
});

describe('nobody of the pipeline', () => {
  it.each([
    ['no signature', 'nobody'],
    ['a user of the same name', `arn:aws:iam::111111111111:user/${manager}`],
    ['the root of the account', 'arn:aws:iam::111111111111:root'],
    ['a session of another role', arnOf(manager, 'deployers')],
    ['a role whose name only begins alike', arnOf(manager, `${peopleRole('acme')}-admin`)],
    ['a role of a path', arnOf(`x/${manager}`)],
    ['another account', arnOf(manager, peopleRole('acme'), '999999999999')],
    ['another partition of AWS', arnOf(manager).replace('arn:aws:', 'arn:aws-cn:')],
    ['a name in other letters', arnOf(manager.toUpperCase())],
    ['no name', arnOf('')],
  ])('with %s is refused, told so, and written down under what the signature says', async (_, caller) => {
    const { status, message, written, read } = await said(approve, { caller });
    expect(status).toBe(403);
    expect(message).toContain('nobody of this pipeline');
    expect(written).toMatchObject([
      { subject: `approval/${approve.approval}`, who: caller, text: expect.stringMatching(/^approve .* refused: /) },
    ]);
    expect(read).toEqual([]);
  });
});

describe('somebody of the pipeline', () => {
  it('is known by single sign-on too, and by a body that is encoded', async () => {
    for (const caller of [arnOf(manager), arnOf(manager, 'AWSReservedSSO_Release_0123456789abcdef')])
      for (const encoded of [false, true]) {
        const { status, message } = await said(approve, { caller, encoded });
        expect({ status, message }).toMatchObject({ status: 403, message: expect.stringContaining('there is no approval request') });
      }
  });

  it.each([
    [{ verb: 'freeze', environment: 'prod', reason: 'x' }, 'no environment prod; there are test, beta'],
    [{ verb: 'promote', repository: 'gateway', digest: digest('a'), to: 'toString' }, 'no environment toString'],
    [{ verb: 'teardown', environment: '__proto__' }, 'no environment __proto__'],
    [{ verb: 'wake', environment: 'Test' }, 'no environment Test'],
  ])('who orders %j is told what there is, before anything is read', async (decision, answer) => {
    const { status, message, written, read } = await said(decision);
    expect({ status, message }).toMatchObject({ status: 403, message: expect.stringContaining(answer) });
    expect(written.length).toBe(1);
    expect(read).toEqual([]);
  });
});
