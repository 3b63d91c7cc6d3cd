/** An HTTP exchange as values: what the inner door (a Lambda's own `http`) and the outer door (a server) have in common. */

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
}

export interface HttpResponse {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
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
