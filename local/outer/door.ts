/** A loopback port behind which a part of local AWS answers: the endpoint of its API, a load balancer, a function URL. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ConnectionError, type HttpRequest, type HttpResponse, textResponse } from '../core/http.ts';
import { read } from '../registry/server.ts';
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

/**
 * Opens a port on 127.0.0.1.
 * @param port 0: one that is free
 * @param answer to a request that {@link refusal} lets pass
 * @param knows host names of the world
 * @throws Error with the code EADDRINUSE
 */
export async function openDoor(
  port: number,
  answer: (request: HttpRequest) => Promise<HttpResponse>,
  knows: (host: string) => boolean,
): Promise<Door> {
  const server = createServer((incoming, outgoing) => {
    serve(incoming, outgoing, answer, knows).catch((error: unknown) => {
      // A lost connection is what a client sees as one; and one that went away has no use for an answer.
      if (error instanceof ConnectionError || outgoing.headersSent || outgoing.destroyed) return outgoing.destroy();
      outgoing.writeHead(500, { 'content-type': 'text/plain' });
      outgoing.end(`bug in local AWS: ${error instanceof Error ? error.message : String(error)}\n`);
    });
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
      }),
  };
}

async function serve(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  answer: (request: HttpRequest) => Promise<HttpResponse>,
  knows: (host: string) => boolean,
): Promise<void> {
  const refused = refusal(incoming.headers, knows);
  const request = refused === undefined ? await read(incoming, LARGEST) : undefined;
  const response = refused !== undefined ? textResponse(403, `${refused}\n`) : request === undefined ? tooLarge : await answer(request);
  // What is still to come is not read: the connection ends.
  if (request === undefined) outgoing.setHeader('connection', 'close');
  for (const [name, value] of Object.entries(response.headers)) if (!HOP.has(name)) outgoing.setHeader(name, value);
  outgoing.statusCode = response.status;
  outgoing.end(response.body);
}
