/** A loopback port behind which a part of local AWS answers: the endpoint of its API, a load balancer, a function URL. */
import { createServer, type IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type Duplex, pipeline } from 'node:stream';
import { ConnectionError, type HttpRequest, type HttpResponse, textResponse } from '../core/http.ts';
import { headOf, read } from '../registry/server.ts';
import { refusal } from './guard.ts';

/** A port that answers. */
export interface Door {
  readonly port: number;
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  /** Ends all connections. */
  close(): Promise<void>;
}

/** Headers between neighbours; Node's server sets its own. The date is the machine's, by which outsiders sign: SDKs set their clocks by it. */
const HOP = new Set(['connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'content-length', 'date']);

/** Of a body, in bytes: twice what the largest operation takes, a part of a layer. */
const LARGEST = 64 * 1024 * 1024;

const tooLarge = textResponse(
  413,
  JSON.stringify({ __type: 'RequestEntityTooLargeException', message: 'local AWS takes bodies of at most 64 MiB' }),
  { 'content-type': 'application/json', 'x-amzn-errortype': 'RequestEntityTooLargeException' },
);

type Answer = (request: HttpRequest) => Promise<HttpResponse>;

/**
 * Opens a port on 127.0.0.1.
 * @param port 0: one that is free
 * @param answer to a request that {@link refusal} lets pass
 * @param knows host names of the world
 * @param streams hands requests on while they come, lets answers go while they are made, and lets connections be upgraded, as a load
 * balancer does. @default requests and answers are whole
 * @throws Error with the code EADDRINUSE
 */
export async function openDoor(
  port: number,
  answer: Answer,
  knows: (host: string) => boolean,
  { streams = false }: { readonly streams?: boolean } = {},
): Promise<Door> {
  const failed = (outgoing: ServerResponse) => (error: unknown) => {
    // A lost connection is what a client sees as one; and one that went away has no use for an answer.
    if (error instanceof ConnectionError || outgoing.headersSent || outgoing.destroyed) return outgoing.destroy();
    outgoing.writeHead(500, { 'content-type': 'text/plain' });
    outgoing.end(`bug in local AWS: ${error instanceof Error ? error.message : String(error)}\n`);
  };
  const take = async (incoming: IncomingMessage): Promise<HttpResponse> => {
    const refused = refusal(incoming.headers, knows);
    if (refused !== undefined) return textResponse(403, `${refused}\n`);
    if (streams) return await answer({ ...headOf(incoming), body: new Uint8Array(), stream: incoming });
    const request = await read(incoming, LARGEST);
    return request === undefined ? tooLarge : await answer(request);
  };
  // Others that would upgrade are answered like those that would not, as by a load balancer.
  const shouldUpgradeCallback = ({ headers }: IncomingMessage) => headers.upgrade?.toLowerCase() === 'websocket';
  const server = createServer({ shouldUpgradeCallback }, (incoming, outgoing) => {
    take(incoming)
      .then((response) => {
        // What is still to come is not read: the connection ends.
        if (response === tooLarge) outgoing.setHeader('connection', 'close');
        write(response, outgoing);
        // What nobody has read would keep the next request of the connection from being read.
        if (streams) outgoing.once('finish', () => incoming.resume());
      })
      .catch(failed(outgoing));
  });
  const upgraded = new Set<Duplex>();
  // A request may take as long as it likes, if something comes.
  if (streams) server.requestTimeout = 0;
  // Without a listener, Node answers such requests like others.
  if (streams)
    server.on('upgrade', (incoming, socket, head) => {
      upgraded.add(socket);
      socket.once('close', () => upgraded.delete(socket)).on('error', () => socket.destroy());
      const outgoing = new ServerResponse(incoming);
      outgoing.shouldKeepAlive = false;
      outgoing.assignSocket(socket as Socket);
      outgoing.once('finish', () => socket.end());
      take(incoming)
        .then((response) => {
          if (response.upgraded === undefined) return write(response, outgoing);
          outgoing.detachSocket(socket as Socket);
          join(response, response.upgraded, socket, head);
        })
        .catch(failed(outgoing));
    });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const bound = (server.address() as AddressInfo).port;
  return {
    port: bound,
    url: `http://127.0.0.1:${bound}`,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
        server.closeAllConnections();
        // Those are not the server's any more.
        for (const socket of upgraded) socket.destroy();
      }),
  };
}

function write(response: HttpResponse, outgoing: ServerResponse): void {
  for (const [name, value] of Object.entries(response.headers))
    if (!HOP.has(name) || (name === 'content-length' && response.stream)) outgoing.setHeader(name, value);
  if (response.cookies) outgoing.setHeader('set-cookie', response.cookies);
  outgoing.statusCode = response.status;
  if (response.stream === undefined) return void outgoing.end(response.body);
  // Who waits for events has to know that they will come.
  outgoing.flushHeaders();
  // Whichever side breaks, the other one sees it.
  pipeline(response.stream, outgoing, () => undefined);
}

/** Makes one connection of two. @param head what the client has sent already */
function join({ headers, cookies = [] }: HttpResponse, target: Duplex, client: Duplex, head: Buffer): void {
  const lines = [...Object.entries(headers).filter(([name]) => name !== 'set-cookie'), ...cookies.map((cookie) => ['set-cookie', cookie])];
  client.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`);
  if (head.length > 0) target.write(head);
  for (const [from, to] of [
    [client, target],
    [target, client],
  ] as const)
    from.once('close', () => from.readableEnded || to.destroy()).pipe(to);
}
