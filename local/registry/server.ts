/** The registry of a site on a loopback port, for `docker`, `skopeo`, `oras` and whoever pushes over HTTP. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { HttpRequest, HttpResponse } from '../core/http.ts';
import type { Site } from '../core/site.ts';
import { refusal } from '../outer/guard.ts';
import { answerRegistry } from '../services/ecr/protocol.ts';

/** A registry that answers. */
export interface Registry {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  /** `127.0.0.1:<port>`, as in `docker push 127.0.0.1:<port>/orders:1`. */
  readonly host: string;
  /** Ends all connections. */
  close(): Promise<void>;
}

/**
 * Serves a site's registry until closed. What a request changes happens at the clock's present time; requests come from
 * outside, so whoever pushes while time is virtual wraps the push in `clock.hold`.
 * @param options.port default 0: one that is free
 * @param options.answer what answers; default: the registry, at once
 */
export async function startRegistry(
  site: Site,
  options: { readonly port?: number; readonly answer?: (request: HttpRequest) => Promise<HttpResponse> } = {},
): Promise<Registry> {
  const { answer: ask = (request: HttpRequest) => answerRegistry(site, request) } = options;
  const server = createServer((incoming, outgoing) => {
    answer(site, ask, incoming, outgoing).catch((error: unknown) => {
      // A client that went away has no use for an answer.
      if (outgoing.headersSent || outgoing.destroyed) return outgoing.destroy();
      const message = error instanceof Error ? error.message : String(error);
      outgoing.writeHead(500, { 'content-type': 'application/json' });
      outgoing.end(JSON.stringify({ errors: [{ code: 'UNKNOWN', message }] }));
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { localHosts } = site.service('ecr');
  localHosts.add(host);
  return {
    url: `http://${host}`,
    host,
    close: () =>
      new Promise((resolve, reject) => {
        localHosts.delete(host);
        server.close((error) => (error ? reject(error) : resolve()));
        server.closeAllConnections();
      }),
  };
}

async function answer(
  site: Site,
  ask: (request: HttpRequest) => Promise<HttpResponse>,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const { host } = site.service('ecr');
  const refused = refusal(incoming.headers, (name) => name === host);
  if (refused !== undefined) {
    outgoing.writeHead(403, { 'content-type': 'application/json', connection: 'close' });
    outgoing.end(JSON.stringify({ errors: [{ code: 'DENIED', message: refused }] }));
    return;
  }
  const request = await read(incoming);
  const { clock } = site.world;
  clock.stir();
  const response = await ask(request);
  clock.stir();
  outgoing.writeHead(response.status, response.headers);
  outgoing.end(response.body);
}

/**
 * A request of a real socket as a value.
 * @param most bytes of the body; undefined for one that is longer, of which the rest is not read
 */
export async function read(incoming: IncomingMessage): Promise<HttpRequest>;
export async function read(incoming: IncomingMessage, most: number): Promise<HttpRequest | undefined>;
export async function read(incoming: IncomingMessage, most = Number.POSITIVE_INFINITY): Promise<HttpRequest | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  if (Number(incoming.headers['content-length'] ?? 0) > most) return undefined;
  for await (const chunk of incoming.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > most) return undefined;
    chunks.push(chunk);
  }
  return { ...headOf(incoming), body: new Uint8Array(Buffer.concat(chunks)) };
}

/** A request of a real socket as a value, but its body. */
export function headOf(incoming: IncomingMessage): Omit<HttpRequest, 'body'> {
  const [path = '/', query = ''] = (incoming.url ?? '/').split('?', 2);
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(incoming.headers))
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value;
  return { method: incoming.method ?? 'GET', host: headers.host ?? '', path, query, headers };
}
