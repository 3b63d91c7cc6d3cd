/** The only way out of a Lambda environment: requests to the inner door of local AWS, answered only while the environment lives. */
import { INVOCATION_HEADER, LambdaKilled } from '../core/faults.ts';
import { ConnectionError, type HttpRequest, type HttpResponse } from '../core/http.ts';
import type { Life } from './life.ts';

/** Sends a request and hands the answer, or the error as Node words it, to one of two callbacks; to none once the environment is dead. */
export type Door = (request: HttpRequest, answered: (response: HttpResponse) => void, failed: (error: Error) => void) => void;

const calls: Readonly<Record<ConnectionError['code'], { syscall: string; errno: number }>> = {
  ECONNREFUSED: { syscall: 'connect', errno: -111 },
  ENOTFOUND: { syscall: 'getaddrinfo', errno: -3008 },
  ETIMEDOUT: { syscall: 'connect', errno: -110 },
  ECONNRESET: { syscall: 'read', errno: -104 },
};

/** The error that Node's own http raises for a failed connection. */
export function nodeError(error: unknown): Error {
  if (!(error instanceof ConnectionError)) return error instanceof Error ? error : new Error(String(error));
  const { syscall, errno } = calls[error.code];
  const host = error.message.slice(error.code.length + 1);
  return Object.assign(new Error(error.code === 'ECONNRESET' ? 'socket hang up' : `${syscall} ${error.code} ${host}`), {
    code: error.code,
    errno,
    syscall,
    hostname: host,
  });
}

/**
 * @param http the inner door, such as `world.http`
 * @param invocation the id of the invocation that the code runs for; tells AWS endpoints whose call it is, outside the signed request
 */
export function doorOf(life: Life, http: (request: HttpRequest) => Promise<HttpResponse>, invocation: () => string): Door {
  return (request, answered, failed) => {
    if (!life.alive) return;
    const aws = request.host.endsWith('.amazonaws.com');
    const sent = aws ? { ...request, headers: { ...request.headers, [INVOCATION_HEADER]: invocation() }, sender: life } : request;
    http(sent).then(
      (response) => life.enter(() => answered(response)),
      (error) => (error instanceof LambdaKilled ? life.end({ kind: 'killed' }) : life.enter(() => failed(nodeError(error)))),
    );
  };
}
