/** `fetch` and `AbortSignal` of a Lambda environment: on the inner door and the clock. */
import type { Door } from './door.ts';
import type { Timers } from './timers.ts';

/** A `fetch` that leaves by the inner door. Redirects are handed to the caller (`redirect: "follow"` is not implemented). */
export function fetchOn(door: Door): typeof fetch {
  return async (input, init) => {
    const request = new Request(input, init);
    request.signal.throwIfAborted();
    const url = new URL(request.url);
    const body = new Uint8Array(await request.arrayBuffer());
    const headers: Record<string, string> = { host: url.host, accept: '*/*', 'user-agent': 'node' };
    for (const [name, value] of request.headers) headers[name] = value;
    if (body.byteLength > 0) headers['content-length'] = String(body.byteLength);
    return new Promise<Response>((resolve, reject) => {
      request.signal.addEventListener('abort', () => reject(request.signal.reason));
      door(
        { method: request.method, host: url.host, path: url.pathname, query: url.search.slice(1), headers, body },
        (answer) => {
          const bodiless = answer.status === 204 || answer.status === 205 || answer.status === 304 || request.method === 'HEAD';
          const response = new Response(bodiless ? null : Buffer.from(answer.body), {
            status: answer.status,
            headers: { ...answer.headers },
          });
          Object.defineProperty(response, 'url', { value: request.url });
          resolve(response);
        },
        (error) => reject(new TypeError('fetch failed', { cause: error })),
      );
    });
  };
}

/** `AbortSignal` whose `timeout` is on the clock; all else is Node's. */
export function abortSignalOn(timers: Timers): typeof AbortSignal {
  const timeout = (milliseconds: number): AbortSignal => {
    const controller = new AbortController();
    timers.start(
      () => controller.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError')),
      milliseconds,
      [],
      false,
    );
    return controller.signal;
  };
  return new Proxy(AbortSignal, { get: (target, key, receiver) => (key === 'timeout' ? timeout : Reflect.get(target, key, receiver)) });
}
