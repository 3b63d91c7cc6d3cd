/** Verifies Signature Version 4: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html */
import { createHmac, createSecretKey, hash, type KeyObject, timingSafeEqual } from 'node:crypto';
import type { HttpRequest } from './http.ts';
import { credential } from './iam/identities.ts';
import { remembered } from './remembered.ts';
import { type Principal, ServiceError } from './service.ts';
import type { World } from './site.ts';

/** Five minutes, as every service but S3 allows. */
const TOLERANCE = 5 * 60_000;

interface Authorization {
  readonly accessKeyId: string;
  /** `20261123` */
  readonly day: string;
  readonly region: string;
  readonly service: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
}

/** By sender in this process: the keys, each for a service and a Region, with which it has signed what it sent. */
const proven = new WeakMap<object, Set<string>>();

/**
 * Who signed the request. Users, roles' sessions and root users are known by their access keys. A sender in this
 * process proves each of its keys by one signature for each service and Region. After that a signature only names the key, where
 * path and query are empty, so that nothing of them can be encoded in a wrong way. All else is verified each time.
 * @param service the signing name that the credential scope must carry, such as `ecs`, `monitoring` or `lambda` for a function URL
 * @param region the Region it must carry; unchecked without
 * @throws ServiceError MissingAuthenticationTokenException, IncompleteSignatureException, UnrecognizedClientException, ExpiredTokenException, InvalidSignatureException
 */
export function authenticate(world: World, request: HttpRequest, service: string, region?: string): Principal {
  const header = request.headers.authorization;
  if (header === undefined) throw new ServiceError('MissingAuthenticationTokenException', 'Missing Authentication Token', 403);
  const authorization = parse(header);
  if (authorization.service !== service) throw invalid(`Credential should be scoped to correct service: '${service}'.`);
  if (region !== undefined && authorization.region !== region)
    throw invalid(`Credential should be scoped to a valid Region, not '${authorization.region}'.`);

  const found = credential(world, authorization.accessKeyId);
  const token = request.headers['x-amz-security-token'];
  if (found === undefined || token !== found.key.sessionToken)
    throw new ServiceError('UnrecognizedClientException', 'The security token included in the request is invalid.', 403);
  const now = world.clock.now();
  if (found.expires !== undefined && (found.by === 'machine' ? (request.received ?? now) : now) >= found.expires)
    throw new ServiceError('ExpiredTokenException', 'The security token included in the request is expired', 403);

  const time = request.headers['x-amz-date'] ?? '';
  checkTime(time, authorization.day, request.received ?? now);
  verify(request, authorization, time, found.key.secretAccessKey);
  return found.principal;
}

/** @throws ServiceError InvalidSignatureException */
function verify(request: HttpRequest, authorization: Authorization, time: string, secret: string): void {
  const { accessKeyId, region, service, signature } = authorization;
  const key = `${accessKeyId}/${region}/${service}`;
  const { sender } = request;
  const held = sender && request.path === '/' && request.query === '' ? (proven.get(sender) ?? new Set()) : undefined;
  if (held?.has(key)) return;
  if (!same(signatureOf(request, authorization, time, secret), signature))
    throw invalid(
      'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.',
    );
  if (sender && held) proven.set(sender, held.add(key));
}

const invalid = (message: string) => new ServiceError('InvalidSignatureException', message, 403);

/** As SDKs write it. */
const USUAL =
  /^AWS4-HMAC-SHA256 Credential=([^/,]+)\/([^/,]+)\/([^/,]+)\/([^/,]+)\/aws4_request, SignedHeaders=([^,=]+), Signature=([^,=]+)$/;

function parse(header: string): Authorization {
  const [, accessKeyId, day, region, service, signedHeaders, signature] = USUAL.exec(header) ?? [];
  if (accessKeyId === undefined) return parseUnusual(header);
  return { accessKeyId, day: day!, region: region!, service: service!, signedHeaders: signedHeaders!.split(';'), signature: signature! };
}

/** With its parts in another order, with other spaces, or not complete. */
function parseUnusual(header: string): Authorization {
  if (!header.startsWith('AWS4-HMAC-SHA256 '))
    throw new ServiceError('IncompleteSignatureException', 'Unsupported AWS authorization scheme', 403);
  const parts = new Map(
    header
      .slice('AWS4-HMAC-SHA256 '.length)
      .split(',')
      .map((part) => {
        const [name = '', ...value] = part.trim().split('=');
        return [name, value.join('=')] as const;
      }),
  );
  const [accessKeyId, day, region, service, end] = (parts.get('Credential') ?? '').split('/');
  const signedHeaders = parts.get('SignedHeaders');
  const signature = parts.get('Signature');
  if (!accessKeyId || !day || !region || !service || end !== 'aws4_request' || !signedHeaders || !signature)
    throw new ServiceError(
      'IncompleteSignatureException',
      `Authorization header requires Credential, SignedHeaders and Signature. Authorization=${header}`,
      403,
    );
  return { accessKeyId, day, region, service, signedHeaders: signedHeaders.split(';'), signature };
}

/** `20261123T080000Z` in milliseconds since the epoch; NaN where it is not written so. Requests of one moment follow each other. */
const signedAt = remembered((time) => {
  const [, year, month, date, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(time) ?? [];
  return Date.parse(`${year}-${month}-${date}T${hour}:${minute}:${second}Z`);
});

function checkTime(time: string, day: string, now: number): void {
  const signed = signedAt(time);
  if (Number.isNaN(signed) || !time.startsWith(day))
    throw new ServiceError(
      'IncompleteSignatureException',
      `Date must be in ISO-8601 basic format and match the credential scope. Got '${time}'.`,
      403,
    );
  const basic = (instant: number) => new Date(instant).toISOString().replace(/[-:]|\.\d+/g, '');
  if (signed < now - TOLERANCE)
    throw invalid(`Signature expired: ${time} is now earlier than ${basic(now - TOLERANCE)} (${basic(now)} - 5 min.)`);
  if (signed > now + TOLERANCE)
    throw invalid(`Signature not yet current: ${time} is still later than ${basic(now + TOLERANCE)} (${basic(now)} + 5 min.)`);
}

const sha256 = (data: string | Uint8Array) => hash('sha256', data);
const hmac = (key: string | Buffer, data: string) => createHmac('sha256', key).update(data).digest();

function signatureOf(request: HttpRequest, authorization: Authorization, time: string, secret: string): string {
  const { day, region, service, signedHeaders } = authorization;
  const payload = sha256(request.body);
  const declared = request.headers['x-amz-content-sha256'];
  if (declared !== undefined && declared !== payload && declared !== 'UNSIGNED-PAYLOAD')
    throw invalid('The value of x-amz-content-sha256 does not match the payload.');
  const canonical = [
    request.method,
    canonicalPath(request.path),
    canonicalQuery(request.query),
    ...signedHeaders.map((name) => `${name}:${headerValue(request, name)}`),
    '',
    signedHeaders.join(';'),
    declared ?? payload,
  ].join('\n');
  const text = ['AWS4-HMAC-SHA256', time, `${day}/${region}/${service}/aws4_request`, sha256(canonical)].join('\n');
  return createHmac('sha256', signingKey(secret, day, region, service))
    .update(text)
    .digest('hex');
}

function headerValue(request: HttpRequest, name: string): string {
  const value = request.headers[name] ?? (name === 'host' ? request.host : '');
  return value.trim().replace(/ +/g, ' ');
}

const keys = new Map<string, KeyObject>();

/** Four HMACs, the same for a day. As an object of Node's, which takes bytes for a key many times slower. */
function signingKey(secret: string, day: string, region: string, service: string): KeyObject {
  const name = `${secret}/${day}/${region}/${service}`;
  let key = keys.get(name);
  if (key === undefined) {
    if (keys.size > 1000) keys.clear();
    key = createSecretKey(hmac(hmac(hmac(hmac(`AWS4${secret}`, day), region), service), 'aws4_request'));
    keys.set(name, key);
  }
  return key;
}

const encode = (text: string) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);

/** The path is encoded once more, dots and doubled slashes resolved, as for all services but S3. */
function canonicalPath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  const joined = `/${parts.join('/')}${parts.length > 0 && path.endsWith('/') ? '/' : ''}`;
  return joined === '/' ? joined : joined.split('/').map(encode).join('/');
}

function canonicalQuery(query: string): string {
  if (query === '') return '';
  return query
    .split('&')
    .map((pair) => {
      const [name = '', ...value] = pair.split('=');
      return [encode(decode(name)), encode(decode(value.join('=')))] as const;
    })
    .sort(([a, x], [b, y]) => (a < b ? -1 : a > b ? 1 : x < y ? -1 : x > y ? 1 : 0))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
}

const decode = (text: string) => decodeURIComponent(text.replace(/\+/g, ' '));

function same(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
