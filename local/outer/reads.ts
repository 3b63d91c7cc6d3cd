/** Which requests only look: they are answered at once and need not be remembered. */
import type { HttpRequest } from '../core/http.ts';
import { operationOfPath } from '../core/protocols/cbor.ts';

/** Names of operations that change nothing, in every service that is here. */
const LOOKS = /^(?:BatchGet|Describe|Filter|Get|List|Lookup|Query|Scan)/;
/** They look like it, and make something. */
const MAKES = new Set(['GetAuthorizationToken', 'GetSessionToken', 'GetFederationToken', 'GetActivityTask']);

/** The operation of a request to the API, as far as the wire names it; undefined where the method and path do (REST). */
export function operation(request: HttpRequest): string | undefined {
  const target = request.headers['x-amz-target'];
  if (target !== undefined) return target.slice(target.lastIndexOf('.') + 1);
  if (request.headers['smithy-protocol'] !== undefined) return operationOfPath(request);
  if (!request.headers['content-type']?.startsWith('application/x-www-form-urlencoded')) return undefined;
  return new URLSearchParams(new TextDecoder().decode(request.body)).get('Action') ?? undefined;
}

/** Whether a request to an AWS endpoint changes nothing. */
export function looksAtApi(request: HttpRequest): boolean {
  const name = operation(request);
  if (name !== undefined) return LOOKS.test(name) && !MAKES.has(name);
  return request.method === 'GET' || request.method === 'HEAD';
}

/** Whether a request to the registry changes nothing. Tokens are made by GET. */
export function looksAtRegistry({ method, path }: HttpRequest): boolean {
  return (method === 'GET' || method === 'HEAD') && (path === '/v2' || path.startsWith('/v2/'));
}

/** Whether requests to a host of the world may change something: to a function they may; what a load balancer's targets answer changes nothing in AWS. */
export function changesHost(host: string): boolean {
  return /\.lambda-url\.[a-z0-9-]+\.on\.aws$/.test(host);
}
