/** An HTTP exchange as values: what the inner door (a Lambda's own `http`) and the outer door (a server) have in common. */
import type { Duplex, Readable } from 'node:stream';

export interface HttpRequest {
  readonly method: string;
  /** Lower case, with port only if it is not the scheme's own. */
  readonly host: string;
  /** Starts with a slash; not decoded. */
  readonly path: string;
  /** Without the question mark; not decoded; empty if there is none. */
  readonly query: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /**
   * When it came in by the machine's clock, by which outsiders sign, in milliseconds since the epoch: set by the outer door.
   * @default the world's time
   */
  readonly received?: number;
  /** The execution environment in this process that sends it, by reference: set by its own door, and by nobody else. @default unknown */
  readonly sender?: object;
  /** In place of `body`: it comes while it is answered. Whoever answers may do so by a stream, too. @default it has come whole */
  readonly stream?: Readable;
}

export interface HttpResponse {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** Each `Set-Cookie`, of which there may be several: "should not be folded". https://datatracker.ietf.org/doc/html/rfc6265#section-3 */
  readonly cookies?: readonly string[];
  /** In place of `body`, and only to a request that is a stream. */
  readonly stream?: Readable;
  /** After the status 101: the connection itself, which speaks another protocol from now on. Only to a request that is a stream. */
  readonly upgraded?: Duplex;
}

/** The connection itself failed: `code` is Node's (ECONNREFUSED, ENOTFOUND, ETIMEDOUT, ECONNRESET). */
export class ConnectionError extends Error {
  readonly code: 'ECONNREFUSED' | 'ENOTFOUND' | 'ETIMEDOUT' | 'ECONNRESET';

  constructor(code: ConnectionError['code'], host: string) {
    super(`${code} ${host}`);
    this.name = 'ConnectionError';
    this.code = code;
  }
}

const encoder = new TextEncoder();

/** A response with a text body. */
export function textResponse(status: number, body: string, headers: Record<string, string> = {}): HttpResponse {
  return { status, headers: { 'content-type': 'text/plain', ...headers }, body: encoder.encode(body) };
}
