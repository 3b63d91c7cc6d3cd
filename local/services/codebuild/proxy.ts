/** The way of a build's process into the world: an HTTP proxy on a loopback port, and a clock to sleep by. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Timer } from '../../core/clock.ts';
import { LambdaKilled } from '../../core/faults.ts';
import { ConnectionError } from '../../core/http.ts';
import type { World } from '../../core/site.ts';
import type { Busy } from './busy.ts';

export interface BuildProxy {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  close(): void;
}

/** Asked by the `sleep` on a build's PATH. */
export const SLEEP_PATH = '/local-aws/sleep';

/** Headers between a client and its proxy, or between neighbours; Node's server and the world set their own. */
const HOP = new Set([
  'connection',
  'proxy-connection',
  'keep-alive',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** The host at the end of a tunnel. */
const tunnels = new WeakMap<Duplex, string>();

/** Forwards plain HTTP into `world`; while it waits for an answer, time goes on. */
export async function startProxy(world: World, busy: Busy): Promise<BuildProxy> {
  const server = createServer((incoming, outgoing) => {
    answer(world, busy, incoming, outgoing).catch((error: unknown) => {
      // Where nobody listens there is no response, neither here.
      if (error instanceof ConnectionError || error instanceof LambdaKilled) return outgoing.destroy();
      outgoing.writeHead(500, { 'content-type': 'text/plain' });
      outgoing.end(error instanceof Error ? (error.stack ?? error.message) : String(error));
    });
  });
  // Some clients, Node's fetch among them, tunnel plain HTTP too.
  server.on('connect', ({ url = '' }: IncomingMessage, socket: Duplex, head: Buffer) => {
    // The client may hang up at any moment, which nobody here needs to know.
    socket.on('error', () => undefined);
    if (!url.endsWith(':80')) {
      const text = `local AWS forwards plain HTTP from builds, no TLS to ${url}\n`;
      socket.end(
        `HTTP/1.1 501 Not Implemented\r\ncontent-type: text/plain\r\ncontent-length: ${text.length}\r\nconnection: close\r\n\r\n${text}`,
      );
      return;
    }
    tunnels.set(socket, url.slice(0, -':80'.length));
    socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
    if (head.length > 0) socket.unshift(head);
    server.emit('connection', socket);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function answer(world: World, busy: Busy, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  const tunnel = tunnels.get(incoming.socket);
  const url = new URL(incoming.url ?? '', `http://${tunnel ?? 'proxy.invalid'}`);
  if (url.host === 'proxy.invalid') return control(world, busy, url, outgoing);
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(incoming.headers))
    if (!HOP.has(name) && value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value;
  const request = {
    method: incoming.method ?? 'GET',
    host: url.host,
    path: url.pathname,
    query: url.search.slice(1),
    headers: { ...headers, host: url.host },
    body: new Uint8Array(Buffer.concat(chunks)),
  };
  const response = await busy.waiting(() => Promise.race([world.http(request), gone(outgoing)]));
  if (response === undefined) return;
  if (response.cookies) outgoing.setHeader('set-cookie', response.cookies);
  const { 'set-cookie': _, ...others } = response.headers;
  outgoing.writeHead(response.status, { ...others, 'content-length': String(response.body.length) });
  outgoing.end(incoming.method === 'HEAD' ? undefined : response.body);
}

async function control(world: World, busy: Busy, url: URL, outgoing: ServerResponse): Promise<void> {
  const seconds = Number(url.searchParams.get('seconds'));
  if (url.pathname !== SLEEP_PATH || !(seconds >= 0)) {
    outgoing.writeHead(404);
    outgoing.end('this is a proxy of local AWS\n');
    return;
  }
  let timer: Timer | undefined;
  const slept = new Promise<void>((resolve) => {
    timer = world.clock.after(seconds * 1000, 'a build sleeps', resolve);
  });
  await busy.waiting(() => Promise.race([slept, gone(outgoing)]));
  world.clock.cancel(timer!);
  outgoing.end();
}

/** Settles when the client has hung up, as a killed process does. */
const gone = (outgoing: ServerResponse) => new Promise<undefined>((resolve) => outgoing.once('close', () => resolve(undefined)));

/** A `sleep` that sleeps in the time of the world, as a script for Node. */
export const sleepScript = (proxy: string): string => `
const seconds = process.argv.slice(2).reduce((sum, text) => {
  const found = /^(\\d+(?:\\.\\d+)?)([smhd]?)$/.exec(text);
  if (found === null) {
    console.error('sleep: invalid time interval ' + text);
    process.exit(1);
  }
  return sum + Number(found[1]) * { '': 1, s: 1, m: 60, h: 3600, d: 86400 }[found[2]];
}, 0);
require('node:http')
  .get(${JSON.stringify(`${proxy}${SLEEP_PATH}`)} + '?seconds=' + seconds, { agent: false }, (response) => response.resume())
  .on('error', () => process.exit(1));
`;
