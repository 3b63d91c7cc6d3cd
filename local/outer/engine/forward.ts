/** Real HTTP between a load balancer and a container, over the port that the engine opened for it. */
import { request as send } from 'node:http';
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

/**
 * @param limit milliseconds without an answer. @default those of a load balancer, which then says 504
 * @throws ConnectionError where nobody answers, or the connection breaks
 */
export function forward(port: number, request: HttpRequest, { signal, limit = IDLE }: { signal?: AbortSignal; limit?: number } = {}) {
  const address = `127.0.0.1:${port}`;
  return new Promise<HttpResponse>((resolve, reject) => {
    const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => !HOP.has(name)));
    // A body of unknown length would be chunked, and no body at all is not the same as an empty one.
    if (request.body.length > 0 || !['GET', 'HEAD', 'OPTIONS', 'DELETE'].includes(request.method))
      headers['content-length'] = String(request.body.length);
    const outgoing = send(
      {
        host: '127.0.0.1',
        port,
        method: request.method,
        path: request.query === '' ? request.path : `${request.path}?${request.query}`,
        headers,
        agent: false,
        ...(signal ? { signal } : {}),
      },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.once('error', () => reject(new ConnectionError('ECONNRESET', address)));
        incoming.once('end', () => {
          const found: Record<string, string> = {};
          for (const [name, value] of Object.entries(incoming.headers))
            if (!HOP.has(name) && value !== undefined) found[name] = Array.isArray(value) ? value.join(', ') : value;
          resolve({ status: incoming.statusCode ?? 502, headers: found, body: new Uint8Array(Buffer.concat(chunks)) });
        });
      },
    );
    outgoing.setTimeout(limit, () => {
      resolve(textResponse(504, 'Gateway Time-out'));
      outgoing.destroy();
    });
    outgoing.once('error', (error: NodeJS.ErrnoException) =>
      reject(new ConnectionError(error.code === 'ECONNREFUSED' ? 'ECONNREFUSED' : 'ECONNRESET', address)),
    );
    outgoing.end(Buffer.from(request.body));
  });
}
