/** Pushes an image to a registry, as `docker push` would: over HTTP, by the OCI distribution protocol. */
import type { HttpResponse } from '../core/http.ts';
import type { World } from '../core/site.ts';
import { type BuiltManifest, buildImage, type Content, type ImageContent } from './image.ts';

/** A request of the push client; `url` is absolute. */
export interface PushRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export type Send = (request: PushRequest) => Promise<HttpResponse>;

export interface Push extends ImageContent {
  /** Of the registry: `http://127.0.0.1:<port>`. */
  readonly url: string;
  /** `AWS` and the password of GetAuthorizationToken. */
  readonly credentials: { readonly user: string; readonly password: string };
  readonly repository: string;
  /** Absent, the image is pushed by its digest alone. */
  readonly tag?: string;
  /** @default over the network */
  readonly send?: Send;
  /** Hears of every blob before it is looked for: how many there are, and how large all are, in bytes. */
  readonly onBlob?: (step: { readonly number: number; readonly of: number; readonly bytes: number }) => void;
}

export interface Pushed {
  /** Of the platform's manifest. */
  readonly digest: string;
  /** Of the index that the tag names, if the push had provenance. */
  readonly indexDigest?: string;
}

/** The registry refused. */
export class PushError extends Error {
  readonly status: number;
  /** The protocol's code: `DENIED`, `TAG_INVALID`, `NAME_UNKNOWN`. */
  readonly code: string;

  constructor(what: string, status: number, code: string, message: string) {
    super(`${what}: ${code}: ${message}`);
    this.name = 'PushError';
    this.status = status;
    this.code = code;
  }
}

const overNetwork: Send = async ({ method, url, headers, body }) => {
  const response = await fetch(url, { method, headers, ...(body.length === 0 ? {} : { body: body as Uint8Array<ArrayBuffer> }) });
  return { status: response.status, headers: Object.fromEntries(response.headers), body: new Uint8Array(await response.arrayBuffer()) };
};

/** Sends through the inner door, without a socket: the push happens at one moment of virtual time. `url` names the registry's own host. */
export function throughInnerDoor(world: World): Send {
  return ({ method, url, headers, body }) =>
    world.http({ method, host: url.host, path: url.pathname, query: url.search.slice(1), headers: { host: url.host, ...headers }, body });
}

/** @throws PushError */
export async function pushImage(push: Push): Promise<Pushed> {
  const { url, repository, tag, credentials, send = overNetwork } = push;
  const authorization = `Basic ${Buffer.from(`${credentials.user}:${credentials.password}`).toString('base64')}`;
  const base = new URL(`/v2/${repository}/`, url);
  const empty = new Uint8Array();

  async function request(
    what: string,
    method: string,
    target: URL,
    options: { body?: Uint8Array; type?: string; also?: readonly number[] } = {},
  ): Promise<HttpResponse> {
    const { body = empty, type, also = [] } = options;
    const headers: Record<string, string> = { authorization };
    if (type !== undefined) headers['content-type'] = type;
    const response = await send({ method, url: target, headers, body });
    if (response.status < 300 || also.includes(response.status)) return response;
    throw refused(what, response);
  }

  async function pushBlob({ digest, bytes }: Content): Promise<void> {
    // Whoever may not look hears why from the upload: an answer to HEAD has no body to say it.
    const known = await request(`looking for ${digest}`, 'HEAD', new URL(`blobs/${digest}`, base), { also: [403, 404] });
    if (known.status === 200) return;
    const begun = await request(`upload to ${repository}`, 'POST', new URL('blobs/uploads/', base));
    if (known.status === 403) throw refused(`looking for ${digest}`, known);
    const target = new URL(begun.headers.location ?? '', base);
    target.searchParams.set('digest', digest);
    await request(`upload of ${digest}`, 'PUT', target, { body: bytes, type: 'application/octet-stream' });
  }

  const pushManifest = (reference: string, { mediaType, bytes }: BuiltManifest) =>
    request(`push of ${repository}:${reference}`, 'PUT', new URL(`manifests/${reference}`, base), { body: bytes, type: mediaType });

  const image = buildImage(push);
  const [main, ...others] = image.manifests;
  const bytes = image.blobs.reduce((sum, blob) => sum + blob.bytes.length, 0);
  for (const [index, blob] of image.blobs.entries()) {
    push.onBlob?.({ number: index + 1, of: image.blobs.length, bytes });
    await pushBlob(blob);
  }
  if (image.index === undefined) await pushManifest(tag ?? main!.digest, main!);
  else {
    for (const one of [main!, ...others]) await pushManifest(one.digest, one);
    await pushManifest(tag ?? image.index.digest, image.index);
  }
  return { digest: main!.digest, ...(image.index === undefined ? {} : { indexDigest: image.index.digest }) };
}

function refused(what: string, { status, body }: HttpResponse): PushError {
  let errors: { code: string; message: string }[] = [];
  try {
    errors = JSON.parse(new TextDecoder().decode(body)).errors ?? [];
  } catch {
    // A HEAD request has no body to say why.
  }
  return new PushError(what, status, errors[0]?.code ?? 'UNKNOWN', errors[0]?.message ?? `status ${status}`);
}
