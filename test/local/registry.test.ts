import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../local/core/clock.ts';
import { identities } from '../../local/core/iam/identities.ts';
import type { PolicyDocument, Service } from '../../local/core/service.ts';
import type { Site } from '../../local/core/site.ts';
import { World } from '../../local/core/world.ts';
import { buildImage } from '../../local/registry/image.ts';
import { pushImage } from '../../local/registry/push.ts';
import { type Registry, startRegistry } from '../../local/registry/server.ts';
import { Ecr } from '../../local/services/ecr/index.ts';
import { OCI_INDEX, OCI_MANIFEST } from '../../local/services/ecr/manifest.ts';
import { allows } from './services/double.ts';

const created = new Date('2026-11-23T08:00:00Z');
const image = { labels: { revision: 'cf7edb2' }, created };

class Bus implements Service {
  readonly operations = {};
  readonly events: { detail: Record<string, unknown> }[] = [];
  publish(event: { detail: Record<string, unknown> }): void {
    this.events.push(event);
  }
}

let clock: VirtualClock;
let site: Site;
let bus: Bus;
let registry: Registry;

beforeEach(async () => {
  clock = new VirtualClock(created.getTime());
  bus = new Bus();
  site = new World(clock, { ecr: (site) => new Ecr(site), events: () => bus }, 7).site('111122223333', 'eu-central-1');
  for (const name of ['team/orders', 'payments'])
    site
      .service('ecr')
      .create({ name, mutability: 'MUTABLE', exclusions: [], scanOnPush: false, encryption: { encryptionType: 'AES256' } });
  registry = await startRegistry(site);
});

afterEach(() => registry.close());

/** Logs in as a user with this policy. */
async function login(policy: PolicyDocument = allows('ecr:*'), name = 'ci') {
  const users = identities(site.world, site.account);
  users.user(name, { policy });
  interface Output {
    authorizationData: { authorizationToken: string }[];
  }
  const { authorizationData } = await site.call<Output>(users.userPrincipal(name), 'ecr', 'GetAuthorizationToken', {});
  const [user = '', password = ''] = Buffer.from(authorizationData[0]!.authorizationToken, 'base64').toString().split(':');
  const authorization = `Basic ${authorizationData[0]!.authorizationToken}`;
  const request = (
    method: string,
    path: string,
    options: { headers?: Record<string, string>; body?: string | Uint8Array<ArrayBuffer> } = {},
  ) => fetch(new URL(path, registry.url), { method, body: options.body, headers: { authorization, ...options.headers } });
  const push = (options: { tag?: string; repository?: string; provenance?: boolean; labels?: Record<string, string> }) =>
    clock.hold(pushImage({ ...image, url: registry.url, credentials: { user, password }, repository: 'team/orders', ...options }));
  return { request, push, credentials: { user, password } };
}

const sha256 = (content: string | Uint8Array) => `sha256:${createHash('sha256').update(content).digest('hex')}`;
const errorOf = async (response: Response) => ((await response.json()) as { errors: { code: string; message: string }[] }).errors[0]!;

describe('a built image', () => {
  it('is the same to the byte each time, and another one for other labels', () => {
    const digests = (labels: Record<string, string>) => {
      const { manifests, index } = buildImage({ labels, created, provenance: true });
      return [...manifests, index!].map(({ digest }) => digest);
    };
    expect(digests({ a: '1', b: '2' })).toEqual(digests({ b: '2', a: '1' }));
    expect(digests({ a: '1' })).not.toEqual(digests({ a: '2' }));
    // Held here so that a change of the format, which changes every digest, is seen.
    expect(digests({ a: '1' })[2]).toMatchInlineSnapshot(`"sha256:6b1bffb030cfa4fe4f1095899bea1c40d1e2fdfa0a5803f0b352108e5933f446"`);
  });

  it('has a layer that tar can read, under the digest that its configuration names', () => {
    const { blobs } = buildImage({ labels: {}, created, files: { 'app/server.js': 'listen(80)', 'app/empty': '' } });
    const [layer, config] = blobs;
    const listing = execFileSync('tar', ['-tzvf', '-'], { input: layer!.bytes, env: { ...process.env, TZ: 'UTC' } }).toString();
    expect(listing).toMatch(/-rw-r--r-- .*0 2026-11-23 08:00 app\/empty\n.* 10 2026-11-23 08:00 app\/server\.js/);
    const { rootfs } = JSON.parse(new TextDecoder().decode(config!.bytes));
    expect(rootfs.diff_ids).toEqual([sha256(gunzipSync(layer!.bytes))]);
  });
});

describe('login', () => {
  it('is asked for, and takes the token of GetAuthorizationToken only', async () => {
    const without = await fetch(`${registry.url}/v2/`);
    expect(without.status).toBe(401);
    expect(without.headers.get('www-authenticate')).toMatch(
      /^Basic realm="https:\/\/111122223333\.dkr\.ecr\.eu-central-1\.amazonaws\.com\/"/,
    );
    const wrong = await fetch(`${registry.url}/v2/`, { headers: { authorization: `Basic ${btoa('AWS:guess')}` } });
    expect(wrong.status).toBe(401);
    const { request } = await login();
    const right = await request('GET', '/v2/');
    expect([right.status, right.headers.get('docker-distribution-api-version')]).toEqual([200, 'registry/2.0']);
  });

  it('ends after twelve hours', async () => {
    const { request } = await login();
    await clock.run({ until: created.getTime() + 12 * 3_600_000 - 1 });
    expect((await request('GET', '/v2/')).status).toBe(200);
    await clock.run({ until: created.getTime() + 12 * 3_600_000 });
    const late = await request('GET', '/v2/');
    expect(late.status).toBe(403);
    expect(await errorOf(late)).toEqual({ code: 'DENIED', message: 'Your authorization token has expired. Reauthenticate and try again.' });
  });
});

describe('a push over a socket', () => {
  it('stores an image that can be pulled by tag and by digest, at the time of the world', async () => {
    const { push, request } = await login();
    await clock.run({ until: created.getTime() + 90_000 });
    const { digest, indexDigest } = await push({ tag: 'v1', provenance: true });
    expect(bus.events.map(({ detail }) => detail['image-tag'])).toEqual([undefined, undefined, 'v1']);
    expect(site.service('ecr').repository('team/orders').find('v1')?.pushedAt).toBe(created.getTime() + 90_000);

    const byTag = await request('GET', '/v2/team/orders/manifests/v1', { headers: { accept: `${OCI_INDEX}, ${OCI_MANIFEST}` } });
    expect(byTag.headers.get('content-type')).toBe(OCI_INDEX);
    expect(byTag.headers.get('docker-content-digest')).toBe(indexDigest);
    const text = await byTag.text();
    expect(sha256(text)).toBe(indexDigest);
    const [child, attestation] = JSON.parse(text).manifests;
    expect(child).toMatchObject({ digest, platform: { os: 'linux', architecture: 'amd64' } });
    expect(attestation).toMatchObject({
      platform: { os: 'unknown' },
      annotations: { 'vnd.docker.reference.type': 'attestation-manifest', 'vnd.docker.reference.digest': digest },
    });

    const byDigest = await request('GET', `/v2/team/orders/manifests/${digest}`);
    const { config } = (await byDigest.json()) as { config: { digest: string } };
    const head = await request('HEAD', `/v2/team/orders/blobs/${config.digest}`);
    const blob = await request('GET', `/v2/team/orders/blobs/${config.digest}`);
    const content = new Uint8Array(await blob.arrayBuffer());
    expect(Number(head.headers.get('content-length'))).toBe(content.length);
    expect(sha256(content)).toBe(config.digest);
    expect(site.world.meter.total('ecr.pull')).toBe(2);
    expect(site.world.meter.total('ecr.push')).toBe(3);
  });

  it('tells a client that takes no index that there is nothing for it', async () => {
    const { push, request } = await login();
    await push({ tag: 'v1', provenance: true });
    const answer = await request('GET', '/v2/team/orders/manifests/v1', { headers: { accept: OCI_MANIFEST } });
    expect([answer.status, (await errorOf(answer)).code]).toEqual([404, 'MANIFEST_UNKNOWN']);
  });

  it('by a user without ecr:PutImage leaves layers and no image', async () => {
    const granted = [
      'GetAuthorizationToken',
      'BatchCheckLayerAvailability',
      'InitiateLayerUpload',
      'UploadLayerPart',
      'CompleteLayerUpload',
    ];
    const { push } = await login(allows(granted.map((name) => `ecr:${name}`)), 'reader');
    await expect(push({ tag: 'v1' })).rejects.toMatchObject({
      status: 403,
      code: 'DENIED',
      message: expect.stringContaining(
        'user/reader is not authorized to perform: ecr:PutImage on resource: arn:aws:ecr:eu-central-1:111122223333:repository/team/orders',
      ),
    });
    expect(site.service('ecr').image('team/orders', 'v1')).toBeUndefined();
    expect(site.service('ecr').repository('team/orders').blobs.size).toBe(2);
  });

  it('of the same image to an immutable tag is refused, as of another one', async () => {
    const { push } = await login();
    await push({ tag: 'v1' });
    site.service('ecr').repository('team/orders').settings.mutability = 'IMMUTABLE';
    await expect(push({ tag: 'v1' })).rejects.toMatchObject({ status: 400, code: 'TAG_INVALID' });
    await expect(push({ tag: 'v1', labels: {} })).rejects.toThrow(
      "The image tag 'v1' already exists in the 'team/orders' repository and cannot be overwritten because the tag is immutable.",
    );
  });

  it('to a repository that does not exist says so', async () => {
    const { push } = await login();
    await expect(push({ tag: 'v1', repository: 'unknown' })).rejects.toMatchObject({ status: 404 });
    const { request } = await login();
    const answer = await request('POST', '/v2/unknown/blobs/uploads/');
    expect(await errorOf(answer)).toEqual({
      code: 'NAME_UNKNOWN',
      message: "The repository with name 'unknown' does not exist in the registry with id '111122223333'",
    });
  });
});

describe('the distribution protocol', () => {
  it('takes a blob in chunks of any size, in order only', async () => {
    const { request } = await login();
    const begun = await request('POST', '/v2/payments/blobs/uploads/');
    expect(begun.status).toBe(202);
    const place = begun.headers.get('location')!;
    const chunk = (body: string, range?: string) =>
      request('PATCH', place, {
        body,
        headers: { 'content-type': 'application/octet-stream', ...(range ? { 'content-range': range } : {}) },
      });
    expect((await chunk('hello ', '0-5')).headers.get('range')).toBe('0-5');
    expect((await chunk('lost', '9-12')).status).toBe(416);
    expect((await chunk('world', '6-9')).status).toBe(416);
    expect((await chunk('world', 'bytes 6')).status).toBe(416);
    expect((await chunk('world', '6-10')).headers.get('range')).toBe('0-10');
    const status = await request('GET', place);
    expect([status.status, status.headers.get('range')]).toEqual([204, '0-10']);
    const wrong = await request('PUT', `${place}?digest=${sha256('something else')}`);
    expect([wrong.status, (await errorOf(wrong)).code]).toEqual([400, 'DIGEST_INVALID']);
    const again = (await request('POST', '/v2/payments/blobs/uploads/')).headers.get('location')!;
    await request('PATCH', again, { body: 'hello ' });
    const done = await request('PUT', `${again}?digest=${sha256('hello world')}`, { body: 'world' });
    expect([done.status, done.headers.get('docker-content-digest')]).toEqual([201, sha256('hello world')]);
    expect(await (await request('GET', `/v2/payments/blobs/${sha256('hello world')}`)).text()).toBe('hello world');
  });

  it('takes a layer in uneven chunks byte for byte', async () => {
    const { request } = await login();
    const layer = Uint8Array.from({ length: 25_000_001 }, (_, index) => (index * 7 + (index >> 9)) & 255);
    const place = (await request('POST', '/v2/payments/blobs/uploads/')).headers.get('location')!;
    for (const [from, to] of [
      [0, 3],
      [3, 10_485_761],
      [10_485_761, 24_999_999],
      [24_999_999, layer.length],
    ] as const)
      await request('PATCH', place, { body: layer.slice(from, to) });
    expect((await request('PUT', `${place}?digest=${sha256(layer)}`)).status).toBe(201);
  });

  it('refuses a manifest over 4 MiB', async () => {
    const { request } = await login();
    const body = JSON.stringify({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      annotations: { a: 'x'.repeat(4_194_304) },
    });
    const answer = await request('PUT', '/v2/payments/manifests/large', { body });
    expect([answer.status, (await errorOf(answer)).code]).toEqual([400, 'MANIFEST_INVALID']);
  });

  it('passes a large layer on in parts of the size that ECR wants', async () => {
    const { request } = await login();
    const layer = new Uint8Array(23 * 1024 * 1024).fill(7);
    const place = (await request('POST', '/v2/payments/blobs/uploads/')).headers.get('location')!;
    const half = layer.length / 2;
    await request('PATCH', place, { body: layer.slice(0, half) });
    await request('PATCH', place, { body: layer.slice(half) });
    expect((await request('PUT', `${place}?digest=${sha256(layer)}`)).status).toBe(201);
    expect(site.world.meter.calls()['ecr:UploadLayerPart']).toBe(3);
  });

  it('takes a blob with the request that begins the upload, or mounts it from another repository', async () => {
    const { request } = await login();
    const digest = sha256('layer');
    expect((await request('POST', `/v2/payments/blobs/uploads/?digest=${digest}`, { body: 'layer' })).status).toBe(201);
    expect((await request('HEAD', `/v2/team/orders/blobs/${digest}`)).status).toBe(404);
    expect((await request('POST', `/v2/team/orders/blobs/uploads/?mount=${digest}&from=payments`)).status).toBe(201);
    expect((await request('HEAD', `/v2/team/orders/blobs/${digest}`)).status).toBe(200);
    expect((await request('POST', `/v2/team/orders/blobs/uploads/?mount=${sha256('other')}&from=payments`)).status).toBe(202);
  });

  it('sends the part of a blob that a client still lacks', async () => {
    const { request } = await login();
    const digest = sha256('hello world');
    await request('POST', `/v2/payments/blobs/uploads/?digest=${digest}`, { body: 'hello world' });
    const part = async (range: string) => {
      const answer = await request('GET', `/v2/payments/blobs/${digest}`, { headers: { range } });
      return [answer.status, answer.headers.get('content-range'), answer.ok ? await answer.text() : undefined];
    };
    expect(await part('bytes=6-')).toEqual([206, 'bytes 6-10/11', 'world']);
    expect(await part('bytes=0-4')).toEqual([206, 'bytes 0-4/11', 'hello']);
    expect(await part('bytes=-5')).toEqual([206, 'bytes 6-10/11', 'world']);
    expect(await part('bytes=6-99')).toEqual([206, 'bytes 6-10/11', 'world']);
    expect(await part('bytes=11-')).toEqual([416, 'bytes */11', undefined]);
    expect(await part('bytes=0-1,3-4')).toEqual([200, null, 'hello world']);
  });

  it('refuses a page of no number', async () => {
    const { request } = await login();
    const answer = await request('GET', '/v2/payments/tags/list?n=many');
    expect([answer.status, (await errorOf(answer)).code]).toEqual([400, 'PAGINATION_NUMBER_INVALID']);
    expect((await request('GET', '/v2/payments/tags/list?n=1000')).status).toBe(200);
    expect((await request('GET', '/v2/payments/tags/list?n=1001')).status).toBe(400);
    expect(await (await request('GET', '/v2/payments/tags/list?n=0')).json()).toEqual({ name: 'payments', tags: [] });
  });

  it('lists tags in pages', async () => {
    const { push, request } = await login();
    for (const tag of ['v2', 'v1', 'v3']) await push({ tag });
    const first = await request('GET', '/v2/team/orders/tags/list?n=2');
    expect(await first.json()).toEqual({ name: 'team/orders', tags: ['v1', 'v2'] });
    const next = /<(.+)>; rel="next"/.exec(first.headers.get('link')!)![1]!;
    const second = await request('GET', next);
    expect(await second.json()).toEqual({ name: 'team/orders', tags: ['v3'] });
    expect(second.headers.get('link')).toBeNull();
  });

  it('deletes by tag and by digest', async () => {
    const { push, request } = await login();
    const { digest } = await push({ tag: 'v1' });
    await push({ tag: 'v2' });
    expect((await request('DELETE', '/v2/team/orders/manifests/v2')).status).toBe(202);
    expect((await request('HEAD', '/v2/team/orders/manifests/v1')).status).toBe(200);
    expect((await request('DELETE', `/v2/team/orders/manifests/${digest}`)).status).toBe(202);
    expect((await request('HEAD', '/v2/team/orders/manifests/v1')).status).toBe(404);
    expect((await request('DELETE', '/v2/team/orders/manifests/v1')).status).toBe(404);
  });

  it('names the referrers of an image as an index', async () => {
    const { push, request } = await login();
    const { digest } = await push({ tag: 'v1' });
    await request('POST', `/v2/team/orders/blobs/uploads/?digest=${sha256('{}')}`, { body: '{}' });
    const signature = JSON.stringify({
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      artifactType: 'application/vnd.example.signature',
      config: { mediaType: 'application/vnd.oci.empty.v1+json', digest: sha256('{}'), size: 2 },
      layers: [],
      subject: { mediaType: OCI_MANIFEST, digest, size: 1 },
    });
    const put = await request('PUT', `/v2/team/orders/manifests/${sha256(signature)}`, {
      body: signature,
      headers: { 'content-type': OCI_MANIFEST },
    });
    expect([put.status, put.headers.get('oci-subject')]).toEqual([201, digest]);
    const referrers = await request('GET', `/v2/team/orders/referrers/${digest}`);
    expect(referrers.headers.get('content-type')).toBe(OCI_INDEX);
    expect(((await referrers.json()) as { manifests: object[] }).manifests).toMatchObject([
      { digest: sha256(signature), artifactType: 'application/vnd.example.signature', size: signature.length },
    ]);
    const filtered = await request('GET', `/v2/team/orders/referrers/${digest}?artifactType=other`);
    expect(filtered.headers.get('oci-filters-applied')).toBe('artifactType');
    expect(((await filtered.json()) as { manifests: object[] }).manifests).toEqual([]);
    const nobody = await request('GET', `/v2/team/orders/referrers/${sha256('nothing')}`);
    expect([nobody.status, ((await nobody.json()) as { manifests: object[] }).manifests]).toEqual([200, []]);
  });

  it('refuses a manifest that is none, and one whose digest is another', async () => {
    const { request } = await login();
    const put = (reference: string, body: string) =>
      request('PUT', `/v2/payments/manifests/${reference}`, { body, headers: { 'content-type': OCI_MANIFEST } });
    expect((await errorOf(await put('v1', 'no json'))).code).toBe('MANIFEST_INVALID');
    const { blobs, manifests } = buildImage(image);
    const text = new TextDecoder().decode(manifests[0]!.bytes);
    expect((await errorOf(await put('v1', text))).code).toBe('BLOB_UNKNOWN');
    for (const { digest, bytes } of blobs)
      await request('POST', `/v2/payments/blobs/uploads/?digest=${digest}`, { body: new Uint8Array(bytes) });
    expect((await errorOf(await put(sha256('other'), text))).code).toBe('DIGEST_INVALID');
    expect((await put('v1', text)).status).toBe(201);
  });
});
