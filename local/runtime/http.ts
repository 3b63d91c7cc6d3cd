/** The modules `node:http` and `node:https` of a Lambda environment: client side only, on the inner door. */
import { EventEmitter } from 'node:events';
import http from 'node:http';
import { Readable, Writable } from 'node:stream';
import type { HttpResponse } from '../core/http.ts';
import type { Door } from './door.ts';
import type { Timers } from './timers.ts';

interface Host {
  readonly door: Door;
  readonly timers: Timers;
}

type Headers = Record<string, number | string | readonly string[] | undefined>;

interface RequestOptions {
  readonly protocol?: string | null;
  readonly host?: string | null;
  readonly hostname?: string | null;
  readonly port?: number | string | null;
  readonly method?: string;
  readonly path?: string | null;
  readonly headers?: Headers | readonly string[];
  readonly auth?: string | null;
  readonly timeout?: number;
  readonly signal?: AbortSignal;
  readonly agent?: unknown;
}

/** Stands where the TCP connection would be: always connected, with an inactivity timeout on the clock. */
class Socket extends EventEmitter {
  readonly connecting = false;
  readonly encrypted: boolean;
  readonly authorized = true;
  destroyed = false;
  private readonly timers: Timers;
  private idle: unknown;

  constructor(timers: Timers, encrypted: boolean) {
    super();
    this.timers = timers;
    this.encrypted = encrypted;
  }

  setTimeout(milliseconds: number, listener?: () => void): this {
    this.timers.clear(this.idle);
    if (listener) {
      if (milliseconds > 0) this.once('timeout', listener);
      else this.removeListener('timeout', listener);
    }
    if (milliseconds > 0 && !this.destroyed) this.idle = this.timers.start(() => this.emit('timeout'), milliseconds, [], false);
    return this;
  }

  close(): void {
    this.destroyed = true;
    this.timers.clear(this.idle);
  }

  destroy(): this {
    this.close();
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }
}

/** A response as Node's http hands it out. */
export class IncomingMessage extends Readable {
  readonly httpVersion = '1.1';
  readonly httpVersionMajor = 1;
  readonly httpVersionMinor = 1;
  readonly statusCode: number;
  readonly statusMessage: string;
  readonly headers: Record<string, string | string[]> = {};
  readonly rawHeaders: string[] = [];
  readonly trailers = {};
  readonly rawTrailers: string[] = [];
  readonly socket: Socket;
  complete = false;
  private body: Uint8Array | undefined;

  constructor(response: HttpResponse, socket: Socket) {
    super();
    this.statusCode = response.status;
    this.statusMessage = http.STATUS_CODES[response.status] ?? '';
    this.socket = socket;
    for (const [name, value] of Object.entries(response.headers)) {
      this.headers[name] = name === 'set-cookie' ? [value] : value;
      this.rawHeaders.push(name, value);
    }
    this.body = response.body;
  }

  get connection(): Socket {
    return this.socket;
  }

  override _read(): void {
    if (this.body === undefined) return;
    const { body } = this;
    this.body = undefined;
    if (body.byteLength > 0) this.push(Buffer.from(body.buffer, body.byteOffset, body.byteLength));
    this.complete = true;
    this.push(null);
  }

  setTimeout(milliseconds: number, listener?: () => void): this {
    this.socket.setTimeout(milliseconds, listener);
    return this;
  }
}

/** A request as Node's http hands it out; it leaves when it is ended. */
class ClientRequest extends Writable {
  readonly method: string;
  readonly path: string;
  readonly host: string;
  readonly protocol: string;
  readonly agent: unknown;
  readonly reusedSocket = true;
  socket: Socket | undefined;
  res: IncomingMessage | null = null;
  aborted = false;
  private readonly world: Host;
  private readonly authority: string;
  private readonly fields = new Map<string, { name: string; value: number | string | readonly string[] }>();
  private readonly chunks: Buffer[] = [];

  constructor(world: Host, options: RequestOptions, secure: boolean, listener?: (response: IncomingMessage) => void) {
    super({ autoDestroy: false, emitClose: false });
    this.world = world;
    this.method = (options.method ?? 'GET').toUpperCase();
    this.path = options.path || '/';
    this.host = (options.hostname ?? options.host ?? 'localhost').toLowerCase();
    this.protocol = secure ? 'https:' : 'http:';
    this.agent = options.agent;
    const port = Number(options.port ?? 0);
    this.authority = port && port !== (secure ? 443 : 80) ? `${this.host}:${port}` : this.host;
    const headers = options.headers ?? {};
    if (Array.isArray(headers)) for (let i = 0; i + 1 < headers.length; i += 2) this.setHeader(headers[i]!, headers[i + 1]!);
    else for (const [name, value] of Object.entries(headers as Headers)) if (value !== undefined) this.setHeader(name, value);
    if (!this.hasHeader('host')) this.setHeader('Host', this.authority);
    if (options.auth && !this.hasHeader('authorization'))
      this.setHeader('Authorization', `Basic ${Buffer.from(options.auth).toString('base64')}`);
    if (listener) this.once('response', listener);
    options.signal?.addEventListener('abort', () =>
      this.destroy(Object.assign(new Error('The operation was aborted'), { name: 'AbortError', code: 'ABORT_ERR' })),
    );
    process.nextTick(() => this.connect(secure, options.timeout));
  }

  private connect(secure: boolean, timeout: number | undefined): void {
    if (this.destroyed) return;
    this.world.timers.life.enter(() => {
      this.socket = new Socket(this.world.timers, secure);
      this.socket.on('timeout', () => this.emit('timeout'));
      if (timeout) this.socket.setTimeout(timeout);
      this.emit('socket', this.socket);
    });
  }

  get connection(): Socket | undefined {
    return this.socket;
  }

  get finished(): boolean {
    return this.writableEnded;
  }

  get headersSent(): boolean {
    return this.writableEnded;
  }

  setHeader(name: string, value: number | string | readonly string[]): this {
    this.fields.set(name.toLowerCase(), { name, value });
    return this;
  }

  getHeader(name: string): number | string | readonly string[] | undefined {
    return this.fields.get(name.toLowerCase())?.value;
  }

  getHeaders(): Headers {
    return Object.fromEntries([...this.fields].map(([key, { value }]) => [key, value]));
  }

  getHeaderNames(): string[] {
    return [...this.fields.keys()];
  }

  hasHeader(name: string): boolean {
    return this.fields.has(name.toLowerCase());
  }

  removeHeader(name: string): void {
    this.fields.delete(name.toLowerCase());
  }

  flushHeaders(): void {}

  setNoDelay(): void {}

  setSocketKeepAlive(): void {}

  setTimeout(milliseconds: number, listener?: () => void): this {
    if (listener) this.once('timeout', listener);
    if (this.socket) this.socket.setTimeout(milliseconds);
    else this.once('socket', (socket: Socket) => socket.setTimeout(milliseconds));
    return this;
  }

  abort(): void {
    this.aborted = true;
    this.destroy();
  }

  override _write(chunk: Buffer | string, encoding: BufferEncoding, done: () => void): void {
    this.chunks.push(typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk);
    done();
  }

  override _final(done: () => void): void {
    done();
    const body = Buffer.concat(this.chunks);
    if (body.length > 0 && !this.hasHeader('content-length') && !this.hasHeader('transfer-encoding'))
      this.setHeader('Content-Length', body.length);
    const [path, ...query] = this.path.split('?');
    const headers: Record<string, string> = {};
    for (const [name, { value }] of this.fields) headers[name] = Array.isArray(value) ? value.join(', ') : String(value);
    this.world.door(
      { method: this.method, host: this.authority, path: path || '/', query: query.join('?'), headers, body },
      (response) => this.answer(response),
      (error) => this.destroy(error),
    );
  }

  private answer(response: HttpResponse): void {
    if (this.destroyed) return;
    const socket = this.socket ?? new Socket(this.world.timers, this.protocol === 'https:');
    const message = new IncomingMessage(response, socket);
    this.res = message;
    message.once('close', () => {
      socket.close();
      this.emit('close');
    });
    // As in Node: a response that nobody listens for is thrown away.
    if (!this.emit('response', message)) message.resume();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.socket?.close();
    const reason = error ?? (this.res === null ? Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' }) : null);
    this.res?.destroy();
    done(null);
    process.nextTick(() =>
      this.world.timers.life.enter(() => {
        if (reason) this.emit('error', reason);
        this.emit('close');
      }),
    );
  }
}

class Agent extends EventEmitter {
  readonly options: object;
  readonly sockets = {};
  readonly freeSockets = {};
  readonly requests = {};
  readonly keepAlive: boolean;
  readonly keepAliveMsecs: number;
  readonly maxSockets: number;
  readonly maxFreeSockets: number;

  constructor(options: { keepAlive?: boolean; keepAliveMsecs?: number; maxSockets?: number; maxFreeSockets?: number } = {}) {
    super();
    this.options = options;
    this.keepAlive = options.keepAlive ?? false;
    this.keepAliveMsecs = options.keepAliveMsecs ?? 1000;
    this.maxSockets = options.maxSockets ?? Number.POSITIVE_INFINITY;
    this.maxFreeSockets = options.maxFreeSockets ?? 256;
  }

  destroy(): void {}
}

const fromUrl = (url: URL): RequestOptions => ({
  protocol: url.protocol,
  hostname: url.hostname,
  port: url.port,
  path: url.pathname + url.search,
  auth: url.username ? `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}` : null,
});

/** The module for one scheme. Servers are refused: a Lambda cannot be reached. */
export function httpModule(world: Host, secure: boolean): Record<string, unknown> {
  type Listener = (response: IncomingMessage) => void;
  const request = (first: string | URL | RequestOptions, second?: RequestOptions | Listener, third?: Listener) => {
    const base = typeof first === 'string' ? fromUrl(new URL(first)) : first instanceof URL ? fromUrl(first) : first;
    const options = typeof second === 'object' ? { ...base, ...second } : base;
    return new ClientRequest(world, options, secure, typeof second === 'function' ? second : third);
  };
  const get = (...args: Parameters<typeof request>) => {
    const sent = request(...args);
    sent.end();
    return sent;
  };
  return {
    request,
    get,
    Agent,
    globalAgent: new Agent({ keepAlive: true }),
    IncomingMessage,
    ClientRequest,
    STATUS_CODES: http.STATUS_CODES,
    METHODS: http.METHODS,
    createServer: () => {
      throw new Error('local AWS: a Lambda function cannot listen');
    },
  };
}
