import { Sha256 } from '@smithy/core/checksum';
import { SignatureV4 } from '@smithy/signature-v4';
import { beforeEach, describe, expect, it } from 'vitest';
import type { AccessKey } from '../../../local/core/client.ts';
import { VirtualClock } from '../../../local/core/clock.ts';
import { hostOfSignature } from '../../../local/core/endpoint.ts';
import type { HttpRequest } from '../../../local/core/http.ts';
import { identities } from '../../../local/core/iam/identities.ts';
import { authenticate } from '../../../local/core/signature.ts';
import { World } from '../../../local/core/world.ts';
import { factories } from '../../../local/services/index.ts';

const account = '111122223333';
const region = 'eu-west-1';
const start = Date.parse('2026-11-23T08:00:00Z');
let world: World;
let user: AccessKey & { arn: string };

beforeEach(() => {
  world = new World(new VirtualClock(start), factories, 7);
  user = world.site(account, region).service('iam').user('operator');
});

/** A request to a function URL, signed by the SDK's own signer, an implementation that is not ours. */
async function signed(
  key: AccessKey = user,
  at = start,
  parts: { path?: string; query?: Record<string, string>; body?: string } = {},
): Promise<HttpRequest> {
  const { path = '/approvals/orders%20api/a%2Fb', query = {}, body = '{"decision":"approve"}' } = parts;
  const signer = new SignatureV4({ credentials: key, region, service: 'lambda', sha256: Sha256 as never });
  const host = 'abc.lambda-url.eu-west-1.on.aws';
  const request = (await signer.sign(
    {
      method: 'POST',
      protocol: 'https:',
      hostname: host,
      path,
      query,
      headers: { host, 'content-type': 'application/json' },
      body,
    } as never,
    { signingDate: new Date(at) },
  )) as unknown as { headers: Record<string, string> };
  const text = Object.entries(query).map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`);
  return { method: 'POST', host, path, query: text.join('&'), headers: request.headers, body: new TextEncoder().encode(body) };
}

const whoIs = (request: HttpRequest) => authenticate(world, request, 'lambda', region);
const failure = (request: HttpRequest) => {
  try {
    return whoIs(request).arn;
  } catch (error) {
    return (error as { code: string }).code;
  }
};

describe('a signature', () => {
  it("proves the caller, also with encoded paths and a query that the signer's order differs from", async () => {
    expect(whoIs(await signed(user, start, { query: { z: '1', a: 'x y/ü', 'a b': '' } }))).toEqual({
      kind: 'user',
      arn: user.arn,
      account,
    });
  });

  it('proves a session of a role, and only with its token', async () => {
    const iam = world.site(account, region).service('iam');
    const role = iam.createRole('deployer', {
      Version: '2012-10-17',
      Statement: { Effect: 'Allow', Principal: { AWS: account }, Action: 'sts:AssumeRole' },
    });
    const session = iam.session(role.arn, 'now');
    const request = await signed(session);
    expect(whoIs(request)).toMatchObject({ kind: 'role', roleArn: role.arn, arn: `arn:aws:sts::${account}:assumed-role/deployer/now` });
    const { 'x-amz-security-token': _, ...headers } = request.headers;
    expect(failure({ ...request, headers })).toBe('UnrecognizedClientException');
  });

  it.each([
    ['another body', (request: HttpRequest) => ({ ...request, body: new TextEncoder().encode('{"decision":"reject"}') })],
    ['another path', (request: HttpRequest) => ({ ...request, path: '/approvals/other' })],
    ['another query', (request: HttpRequest) => ({ ...request, query: 'force=true' })],
    ['another method', (request: HttpRequest) => ({ ...request, method: 'PUT' })],
    ['another signed header', (request: HttpRequest) => ({ ...request, headers: { ...request.headers, 'content-type': 'text/plain' } })],
  ])('does not hold for %s', async (_, change) => {
    expect(failure(change(await signed()))).toBe('InvalidSignatureException');
  });

  it('does not hold with a guessed secret or for an unknown key', async () => {
    expect(failure(await signed({ ...user, secretAccessKey: 'guess' }))).toBe('InvalidSignatureException');
    expect(failure(await signed({ ...user, accessKeyId: 'AKIAUNKNOWN' }))).toBe('UnrecognizedClientException');
  });

  it('holds five minutes before and after, in the time of the world', async () => {
    const minutes = (count: number) => start + count * 60_000;
    expect(failure(await signed(user, minutes(-5)))).toBe(user.arn);
    expect(failure(await signed(user, minutes(5)))).toBe(user.arn);
    expect(failure(await signed(user, minutes(-5) - 1000))).toBe('InvalidSignatureException');
    expect(failure(await signed(user, minutes(5) + 1000))).toBe('InvalidSignatureException');
  });

  it('is proof enough for what the same sender of this process signs with that key afterwards', async () => {
    const other = world.site(account, region).service('iam').user('other');
    const badly = async (key: AccessKey, path = '/') => signed({ ...key, secretAccessKey: 'guess' }, start, { path });
    const sender = {};
    const by = (request: HttpRequest) => failure({ ...request, sender });
    expect(by(await badly(user))).toBe('InvalidSignatureException');
    expect(by(await signed(user, start, { path: '/' }))).toBe(user.arn);
    expect(by(await badly(user))).toBe(user.arn);
    expect(by(await badly(user, '/approvals/orders%20api'))).toBe('InvalidSignatureException');
    expect(by(await badly(other))).toBe('InvalidSignatureException');
    expect(by(await signed(user, start - 3_600_000, { path: '/' }))).toBe('InvalidSignatureException');
    expect(failure({ ...(await badly(user)), sender: {} })).toBe('InvalidSignatureException');
    expect(failure(await badly(user))).toBe('InvalidSignatureException');
    identities(world, account).revoke(user.arn);
    expect(by(await signed(user, start, { path: '/' }))).toBe('UnrecognizedClientException');
  });

  it('must be there, and for this service and Region', async () => {
    const request = await signed();
    const { authorization, ...headers } = request.headers;
    expect(failure({ ...request, headers })).toBe('MissingAuthenticationTokenException');
    expect(() => authenticate(world, request, 'ecs', region)).toThrow("Credential should be scoped to correct service: 'ecs'.");
    expect(() => authenticate(world, request, 'lambda', 'us-east-1')).toThrow('valid Region');
    expect(failure({ ...request, headers: { ...headers, authorization: 'Basic abc' } })).toBe('IncompleteSignatureException');
    expect(hostOfSignature(authorization)).toBe('lambda.eu-west-1.amazonaws.com');
  });
});
