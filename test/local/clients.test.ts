/** The registry as container tools use it: skopeo itself where it is installed, and the requests that oras makes. */
import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../local/core/clock.ts';
import { identities } from '../../local/core/iam/identities.ts';
import type { Service } from '../../local/core/service.ts';
import type { Site } from '../../local/core/site.ts';
import { World } from '../../local/core/world.ts';
import { buildImage } from '../../local/registry/image.ts';
import { type Registry, startRegistry } from '../../local/registry/server.ts';
import { Ecr } from '../../local/services/ecr/index.ts';
import { OCI_INDEX, OCI_MANIFEST } from '../../local/services/ecr/manifest.ts';
import { allows } from './services/double.ts';

const created = new Date('2026-11-23T08:00:00Z');
const account = '111122223333';

class Bus implements Service {
  readonly operations = {};
  readonly pushed: unknown[] = [];
  publish({ detail }: { detail: Record<string, unknown> }): void {
    if (detail['action-type'] === 'PUSH') this.pushed.push(detail['image-tag']);
  }
}

let bus: Bus;
let site: Site;
let registry: Registry;
let password: string;
let folder: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'clients-'));
  bus = new Bus();
  site = new World(new VirtualClock(created.getTime()), { ecr: (site) => new Ecr(site), events: () => bus }, 7).site(account, 'eu-west-1');
  for (const [name, mutability] of [
    ['orders', 'MUTABLE'],
    ['copies', 'MUTABLE'],
    ['fixed', 'IMMUTABLE'],
  ] as const)
    site.service('ecr').create({ name, mutability, exclusions: [], scanOnPush: false, encryption: { encryptionType: 'AES256' } });
  const users = identities(site.world, account);
  users.user('ci', { policy: allows('ecr:*') });
  interface Output {
    authorizationData: { authorizationToken: string }[];
  }
  const { authorizationData } = await site.call<Output>(users.userPrincipal('ci'), 'ecr', 'GetAuthorizationToken', {});
  password = Buffer.from(authorizationData[0]!.authorizationToken, 'base64').toString().slice('AWS:'.length);
  registry = await startRegistry(site);
});

afterEach(async () => {
  rmSync(folder, { recursive: true });
  await registry.close();
});

const sha256 = (content: string | Uint8Array) => `sha256:${createHash('sha256').update(content).digest('hex')}`;

const hasSkopeo = spawnSync('skopeo', ['--version']).status === 0;

describe.skipIf(!hasSkopeo)(`skopeo${hasSkopeo ? '' : ' (skipped: it is not installed here)'}`, () => {
  /** Runs beside the registry, which answers from this very thread. */
  const skopeo = async (...words: string[]) => {
    const [verb = '', ...rest] = words;
    const { stdout } = await promisify(execFile)('skopeo', [verb, '--authfile', join(folder, 'auth.json'), ...rest]);
    return stdout;
  };
  const local = (reference: string) => `docker://${registry.host}/${reference}`;
  const copy = (...words: string[]) => skopeo('copy', '--src-tls-verify=false', '--dest-tls-verify=false', ...words);

  /** An OCI layout of an index over two platforms. */
  function layout(): { place: string; index: string } {
    const place = join(folder, 'layout');
    const blobs = join(place, 'blobs/sha256');
    mkdirSync(blobs, { recursive: true });
    const keep = (digest: string, bytes: Uint8Array | string) => writeFileSync(join(blobs, digest.slice('sha256:'.length)), bytes);
    const manifests = ['amd64', 'arm64'].map((architecture) => {
      const { blobs, manifests } = buildImage({ labels: { built: 'for test' }, created, platform: { os: 'linux', architecture } });
      for (const { digest, bytes } of [...blobs, ...manifests]) keep(digest, bytes);
      const { digest, bytes, mediaType } = manifests[0]!;
      return { mediaType, digest, size: bytes.length, platform: { os: 'linux', architecture } };
    });
    const text = JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests });
    keep(sha256(text), text);
    writeFileSync(join(place, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
    const entry = {
      mediaType: OCI_INDEX,
      digest: sha256(text),
      size: text.length,
      annotations: { 'org.opencontainers.image.ref.name': 'v1' },
    };
    writeFileSync(join(place, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [entry] }));
    return { place, index: sha256(text) };
  }

  beforeEach(async () => {
    await skopeo('login', '--tls-verify=false', '--username', 'AWS', '--password', password, registry.host);
  });

  it('copies an index with all its images in, across repositories and out again, without a changed byte', async () => {
    const { place, index } = layout();
    await copy('--all', `oci:${place}:v1`, local('orders:v1'));
    expect(site.service('ecr').image('orders', 'v1')?.digest).toBe(index);
    expect(bus.pushed.filter((tag) => tag !== undefined)).toEqual(['v1']);
    await copy('--all', local('orders:v1'), local('copies:v1'));
    expect(site.service('ecr').image('copies', 'v1')?.digest).toBe(index);
    const back = join(folder, 'back');
    await copy('--all', local('copies:v1'), `oci:${back}:v1`);
    expect(readdirSync(join(back, 'blobs/sha256')).sort()).toEqual(readdirSync(join(place, 'blobs/sha256')).sort());
  }, 30_000);

  it('copies the image of one platform, also as Docker schema 2, and lists, inspects and deletes it', async () => {
    const { place } = layout();
    await copy('--override-arch', 'arm64', '--override-os', 'linux', `oci:${place}:v1`, local('orders:one'));
    await copy('--override-arch', 'amd64', '--override-os', 'linux', '--format', 'v2s2', `oci:${place}:v1`, local('orders:docker'));
    expect(JSON.parse(await skopeo('list-tags', '--tls-verify=false', local('orders'))).Tags).toEqual(['docker', 'one']);
    const inspect = async (tag: string) => JSON.parse(await skopeo('inspect', '--tls-verify=false', local(`orders:${tag}`)));
    expect(await inspect('one')).toMatchObject({ Architecture: 'arm64', Labels: { built: 'for test' } });
    expect(await inspect('docker')).toMatchObject({ Architecture: 'amd64' });
    expect(site.service('ecr').repository('orders').find('docker')?.manifest.mediaType).toContain('docker.distribution.manifest.v2');
    await skopeo('delete', '--tls-verify=false', local('orders:one'));
    expect(JSON.parse(await skopeo('list-tags', '--tls-verify=false', local('orders'))).Tags).toEqual(['docker']);
  }, 30_000);

  it('hears why a tag, a repository or a password is refused', async () => {
    const { place } = layout();
    await copy('--all', `oci:${place}:v1`, local('fixed:v1'));
    await expect(copy('--all', `oci:${place}:v1`, local('fixed:v1'))).rejects.toThrow(/'v1' already exists .* the tag is immutable/);
    await expect(copy('--all', `oci:${place}:v1`, local('nowhere:v1'))).rejects.toThrow(
      "The repository with name 'nowhere' does not exist",
    );
    await expect(copy('--all', '--dest-creds', 'AWS:guess', `oci:${place}:v1`, local('orders:v1'))).rejects.toThrow(/unauthorized/);
  }, 30_000);
});

/** As the distribution and image specifications 1.1 describe them; oras itself is not run here. */
describe('the requests of oras', () => {
  const EMPTY = { mediaType: 'application/vnd.oci.empty.v1+json', digest: sha256('{}'), size: 2 };

  async function request(method: string, path: string, options: { body?: string; headers?: Record<string, string> } = {}) {
    const first = await fetch(new URL(path, registry.url), { method, ...options });
    // It tries without a password and answers the challenge, as its library does.
    expect([first.status, first.headers.get('www-authenticate')?.split(' ')[0]]).toEqual([401, 'Basic']);
    const authorization = `Basic ${btoa(`AWS:${password}`)}`;
    return await fetch(new URL(path, registry.url), { method, body: options.body, headers: { authorization, ...options.headers } });
  }

  async function pushBlob(content: string): Promise<void> {
    if ((await request('HEAD', `/v2/orders/blobs/${sha256(content)}`)).status === 200) return;
    const place = (await request('POST', '/v2/orders/blobs/uploads/')).headers.get('location')!;
    const done = await request('PUT', `${place}?digest=${encodeURIComponent(sha256(content))}`, {
      body: content,
      headers: { 'content-type': 'application/octet-stream' },
    });
    expect(done.status).toBe(201);
  }

  async function pushArtifact(artifactType: string, file: { title: string; content: string }, more: { tag?: string; subject?: object }) {
    const { tag, ...subject } = more;
    await pushBlob(file.content);
    await pushBlob('{}');
    const annotations = { 'org.opencontainers.image.title': file.title };
    const layers = [{ mediaType: 'text/plain', digest: sha256(file.content), size: file.content.length, annotations }];
    const manifest = JSON.stringify({ schemaVersion: 2, mediaType: OCI_MANIFEST, artifactType, config: EMPTY, layers, ...subject });
    const digest = sha256(manifest);
    const put = (reference: string) =>
      request('PUT', `/v2/orders/manifests/${reference}`, { body: manifest, headers: { 'content-type': OCI_MANIFEST } });
    const answer = await put(tag ?? digest);
    expect([answer.status, answer.headers.get('docker-content-digest')]).toEqual([201, digest]);
    return { digest, size: manifest.length, mediaType: OCI_MANIFEST, answer };
  }

  it('push an artefact of a file with an empty configuration, and pull it', async () => {
    const { digest } = await pushArtifact('text/notes', { title: 'notes.txt', content: 'hello' }, { tag: 'notes' });
    const head = await request('HEAD', '/v2/orders/manifests/notes', { headers: { accept: OCI_MANIFEST } });
    expect([head.headers.get('docker-content-digest'), head.headers.get('content-type')]).toEqual([digest, OCI_MANIFEST]);
    const pulled = (await (await request('GET', `/v2/orders/manifests/${digest}`)).json()) as { layers: { digest: string }[] };
    expect(await (await request('GET', `/v2/orders/blobs/${pulled.layers[0]!.digest}`)).text()).toBe('hello');
  });

  it('attach one to an image, discover it by its type, and lose it with the image', async () => {
    const image = await pushArtifact('text/notes', { title: 'notes.txt', content: 'hello' }, { tag: 'notes' });
    const { digest, size, mediaType } = image;
    const bill = await pushArtifact(
      'application/spdx+json',
      { title: 'sbom.json', content: '{"spdx":1}' },
      { subject: { digest, size, mediaType } },
    );
    // Without this header oras would keep a list under a tag of its own beside the image.
    expect(bill.answer.headers.get('oci-subject')).toBe(digest);
    const discover = async (query = '') => {
      const answer = await request('GET', `/v2/orders/referrers/${digest}${query}`);
      return ((await answer.json()) as { manifests: object[] }).manifests;
    };
    expect(await discover()).toMatchObject([{ digest: bill.digest, artifactType: 'application/spdx+json', size: bill.size }]);
    expect(await discover('?artifactType=application%2Fspdx%2Bjson')).toHaveLength(1);
    expect(await discover('?artifactType=text%2Fother')).toEqual([]);
    expect((await request('DELETE', `/v2/orders/manifests/${digest}`)).status).toBe(202);
    expect((await request('GET', `/v2/orders/manifests/${bill.digest}`)).status).toBe(404);
  });
});
