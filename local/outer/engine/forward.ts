/** Real HTTP between a load balancer and a container, over the port that the engine opened for it. */
import { type ClientRequest, type IncomingMessage, request as send } from 'node:http';
import type { Readable } from 'node:stream';
import { ConnectionError, type HttpRequest, type HttpResponse, textResponse } from '../../core/http.ts';

/** "idle timeout: 60 seconds". https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html */
const IDLE = 60_000;
/** Between neighbours; Node sets its own. */
const HOP = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
  'te',
  'trailer',
  'proxy-connection',
  'content-length',
  'expect',
]);

interface Options {
  readonly signal?: AbortSignal;
  readonly limit?: number;
}

/**
 * Whole if the request is; one that is a stream is handed on while it comes, and so is the answer.
 * @param limit milliseconds in which nothing comes. @default those of a load balancer, which then says 504
 * @throws ConnectionError where nobody answers, or the connection breaks
 */
export function forward(port: number, request: HttpRequest, options: Options = {}): Promise<HttpResponse> {
  const { stream } = request;
  if (stream !== undefined) return handOn(port, request, stream, options);
  const headers = passing(request.headers);
  // A body of unknown length would be chunked, and no body at all is not the same as an empty one.
  if (request.body.length > 0 || !['GET', 'HEAD', 'OPTIONS', 'DELETE'].includes(request.method))
    headers['content-length'] = String(request.body.length);
  return ask(port, request, headers, options, (outgoing, resolve, reject) => {
    outgoing.once('response', (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.once('error', () => reject('ECONNRESET'));
      incoming.once('end', () => resolve({ ...answerOf(incoming), body: new Uint8Array(Buffer.concat(chunks)) }));
    });
    outgoing.end(Buffer.from(request.body));
  });
}

function handOn(port: number, request: HttpRequest, stream: Readable, options: Options): Promise<HttpResponse> {
  const own = request.headers;
  const headers = passing(own, ['content-length', 'transfer-encoding']);
  // "You can upgrade an existing HTTP/1.1 connection to use a WebSocket", and nothing else.
  // https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-listeners.html
  const upgrades = own.upgrade?.toLowerCase() === 'websocket' && /\bupgrade\b/i.test(own.connection ?? '');
  if (upgrades) Object.assign(headers, { connection: 'Upgrade', upgrade: own.upgrade });
  return ask(port, request, headers, options, (outgoing, resolve, reject) => {
    outgoing.once('response', (incoming) => {
      // Whoever reads it sees that it broke.
      incoming.on('error', () => undefined);
      const length = incoming.headers['content-length'];
      const answer = answerOf(incoming);
      resolve({
        ...answer,
        ...(length === undefined ? {} : { headers: { ...answer.headers, 'content-length': length } }),
        stream: incoming,
      });
    });
    outgoing.once('upgrade', (incoming, socket, head) => {
      const end = () => socket.destroy();
      socket.setTimeout(options.limit ?? IDLE, end).on('error', end);
      options.signal?.addEventListener('abort', end, { once: true });
      socket.once('close', () => options.signal?.removeEventListener('abort', end));
      if (head.length > 0) socket.unshift(head);
      const answer = answerOf(incoming);
      resolve({
        ...answer,
        headers: { ...answer.headers, connection: 'Upgrade', upgrade: incoming.headers.upgrade ?? '' },
        upgraded: socket,
      });
    });
    if (own['content-length'] === undefined && own['transfer-encoding'] === undefined) return outgoing.end();
    // Who goes away before the end has not sent a shorter request.
    stream.once('close', () => {
      if (!stream.readableEnded) reject('ECONNRESET');
    });
    stream.on('error', () => undefined).pipe(outgoing);
  });
}

type Ask = (outgoing: ClientRequest, resolve: (response: HttpResponse) => void, reject: (code: ConnectionError['code']) => void) => void;

function ask(
  port: number,
  { method, path, query }: HttpRequest,
  headers: Record<string, string>,
  { signal, limit = IDLE }: Options,
  go: Ask,
): Promise<HttpResponse> {
  return new Promise((resolve, reject) => {
    const target = { host: '127.0.0.1', port, method, path: query === '' ? path : `${path}?${query}`, headers, agent: false };
    const outgoing = send({ ...target, ...(signal ? { signal } : {}) });
    const fail = (code: ConnectionError['code']) => {
      reject(new ConnectionError(code, `127.0.0.1:${port}`));
      outgoing.destroy();
    };
    outgoing.setTimeout(limit, () => {
      resolve(textResponse(504, 'Gateway Time-out'));
      outgoing.destroy();
    });
    outgoing.on('error', (error: NodeJS.ErrnoException) => fail(error.code === 'ECONNREFUSED' ? 'ECONNREFUSED' : 'ECONNRESET'));
    go(outgoing, resolve, fail);
  });
}

/** Headers that are for both ends. */
const passing = (headers: HttpRequest['headers'], more: readonly string[] = []): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP.has(name) || more.includes(name)));

function answerOf(incoming: IncomingMessage): HttpResponse {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(incoming.headers))
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value;
  const cookies = incoming.headers['set-cookie'];
  return { status: incoming.statusCode ?? 502, headers: passing(headers), body: new Uint8Array(), ...(cookies ? { cookies } : {}) };
}
