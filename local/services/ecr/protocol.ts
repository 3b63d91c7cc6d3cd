/** The OCI distribution protocol of a registry: what `docker push`, `skopeo copy` and `oras push` speak. https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md */
import { type HttpRequest, type HttpResponse, textResponse } from '../../core/http.ts';
import { type Principal, ServiceError } from '../../core/service.ts';
import type { Site } from '../../core/site.ts';
import { ask, bare, type RegistryCall, refusal } from './exchange.ts';
import { isDigest, MANIFEST_TYPES, OCI_INDEX } from './manifest.ts';
import type { Repository } from './repository.ts';
import { readToken } from './tokens.ts';
import { answerUpload } from './uploading.ts';

const ROUTE = /^\/v2\/(?<name>.+?)\/(?<kind>manifests|blobs|tags|referrers)\/(?<rest>.+)$/;

/** Answers a request to a site's registry. */
export async function answerRegistry(site: Site, request: HttpRequest): Promise<HttpResponse> {
  const response = await answerAll(site, request);
  return request.method === 'HEAD' ? { ...response, body: new Uint8Array() } : response;
}

async function answerAll(site: Site, request: HttpRequest): Promise<HttpResponse> {
  const principal = authenticate(site, request);
  if ('status' in principal) return principal;
  if (request.path === '/v2/' || request.path === '/v2') return bare(200);
  const route = ROUTE.exec(request.path)?.groups;
  if (route === undefined) return refusal(404, 'UNSUPPORTED', `The registry does not know ${request.method} ${request.path}`);
  const call: RegistryCall = { site, principal, request, repositoryName: decodeURIComponent(route.name!) };
  try {
    return (
      (await dispatch(call, route.kind!, decodeURIComponent(route.rest!))) ?? refusal(405, 'UNSUPPORTED', 'The operation is unsupported.')
    );
  } catch (error) {
    if (error instanceof ServiceError) return translate(error);
    throw error;
  }
}

function authenticate(site: Site, { headers }: HttpRequest): Principal | HttpResponse {
  const challenge = { 'www-authenticate': `Basic realm="https://${site.service('ecr').host}/",service="ecr.amazonaws.com"` };
  const given = /^Basic (.+)$/i.exec(headers.authorization ?? '')?.[1];
  if (given === undefined) return refusal(401, 'UNAUTHORIZED', 'Not Authorized', challenge);
  const [user, ...rest] = Buffer.from(given, 'base64').toString().split(':');
  const found = user === 'AWS' ? readToken(site.world, rest.join(':')) : 'unknown';
  if (found === 'unknown') return refusal(401, 'UNAUTHORIZED', 'Not Authorized', challenge);
  if (found === 'expired') return refusal(403, 'DENIED', 'Your authorization token has expired. Reauthenticate and try again.', challenge);
  return found;
}

function dispatch(call: RegistryCall, kind: string, rest: string): Promise<HttpResponse> | undefined {
  const { method } = call.request;
  const reading = method === 'GET' || method === 'HEAD';
  switch (kind) {
    case 'tags':
      return reading && rest === 'list' ? listTags(call) : undefined;
    case 'referrers':
      return reading ? listReferrers(call, rest) : undefined;
    case 'manifests':
      if (reading) return getManifest(call, rest);
      if (method === 'PUT') return putManifest(call, rest);
      return method === 'DELETE' ? deleteManifest(call, rest) : undefined;
    default:
      if (rest === 'uploads/' || rest.startsWith('uploads/')) return answerUpload(call, rest.slice('uploads/'.length));
      return reading ? getBlob(call, rest) : undefined;
  }
}

/** ECR's error as the protocol's. */
function translate(error: ServiceError): HttpResponse {
  switch (error.code) {
    case 'RepositoryNotFoundException':
      return refusal(404, 'NAME_UNKNOWN', error.message);
    case 'ImageNotFoundException':
      return refusal(404, 'MANIFEST_UNKNOWN', 'Requested image not found');
    case 'ImageTagAlreadyExistsException':
      return refusal(400, 'TAG_INVALID', error.message);
    case 'LayersNotFoundException':
      return refusal(404, 'BLOB_UNKNOWN', error.message);
    case 'ReferencedImagesNotFoundException':
      return refusal(404, 'MANIFEST_BLOB_UNKNOWN', error.message);
    case 'UploadNotFoundException':
      return refusal(404, 'BLOB_UPLOAD_UNKNOWN', error.message);
    case 'InvalidLayerException':
    case 'ImageDigestDoesNotMatchException':
      return refusal(400, 'DIGEST_INVALID', error.message);
    case 'EmptyUploadException':
    case 'InvalidLayerPartException':
    case 'LayerPartTooSmallException':
      return refusal(416, 'BLOB_UPLOAD_INVALID', error.message);
    case 'AccessDeniedException':
      return refusal(403, 'DENIED', error.message);
    case 'ThrottlingException':
      return refusal(429, 'TOOMANYREQUESTS', error.message);
    case 'InvalidParameterException':
      return refusal(400, 'MANIFEST_INVALID', error.message);
    default:
      return refusal(error.status, 'UNKNOWN', `${error.code}: ${error.message}`);
  }
}

const repositoryOf = ({ site, repositoryName }: RegistryCall): Repository => site.service('ecr').repository(repositoryName);
const imageId = (reference: string) => (reference.startsWith('sha256:') ? { imageDigest: reference } : { imageTag: reference });

async function getManifest(call: RegistryCall, reference: string): Promise<HttpResponse> {
  const accept = call.request.headers.accept ?? '*/*';
  const named = accept.split(',').map((type) => type.split(';')[0]!.trim());
  const acceptedMediaTypes = named.some((type) => type === '*/*' || type === 'application/*') ? MANIFEST_TYPES : named;
  interface Output {
    images: { imageManifest: string; imageManifestMediaType: string; imageId: { imageDigest: string } }[];
  }
  const { images } = await ask<Output>(call, 'BatchGetImage', {
    imageIds: [imageId(reference)],
    acceptedMediaTypes: [...acceptedMediaTypes],
  });
  const image = images[0];
  if (image === undefined) return refusal(404, 'MANIFEST_UNKNOWN', 'Requested image not found');
  const body = new TextEncoder().encode(image.imageManifest);
  const headers = {
    'content-type': image.imageManifestMediaType,
    'content-length': String(body.length),
    'docker-content-digest': image.imageId.imageDigest,
  };
  return { ...bare(200, headers), body };
}

async function putManifest(call: RegistryCall, reference: string): Promise<HttpResponse> {
  const { request, repositoryName } = call;
  const imageManifest = new TextDecoder().decode(request.body);
  const declared = request.headers['content-type']?.split(';')[0]?.trim();
  const imageManifestMediaType = declared !== undefined && MANIFEST_TYPES.includes(declared) ? declared : undefined;
  const repository = repositoryOf(call);
  let digest: string;
  try {
    const output = await ask<{ image: { imageId: { imageDigest: string } } }>(call, 'PutImage', {
      imageManifest,
      imageManifestMediaType,
      ...imageId(reference),
    });
    digest = output.image.imageId.imageDigest;
  } catch (error) {
    if (!(error instanceof ServiceError) || error.code !== 'ImageAlreadyExistsException') throw error;
    // Pushing what is there changes nothing; an immutable tag is refused even so.
    if (repository.tags.has(reference) && repository.isImmutable(reference))
      return refusal(
        400,
        'TAG_INVALID',
        `The image tag '${reference}' already exists in the '${repositoryName}' repository and cannot be overwritten because the tag is immutable.`,
      );
    digest = repository.find(reference)!.manifest.digest;
  }
  const subject = repository.images.get(digest)?.manifest.subject;
  return bare(201, {
    location: `/v2/${repositoryName}/manifests/${digest}`,
    'docker-content-digest': digest,
    ...(subject === undefined ? {} : { 'oci-subject': subject }),
  });
}

async function deleteManifest(call: RegistryCall, reference: string): Promise<HttpResponse> {
  const { failures } = await ask<{ failures: { failureCode: string; failureReason: string }[] }>(call, 'BatchDeleteImage', {
    imageIds: [imageId(reference)],
  });
  const failure = failures[0];
  if (failure === undefined) return bare(202);
  if (failure.failureCode === 'ImageNotFound') return refusal(404, 'MANIFEST_UNKNOWN', failure.failureReason);
  return refusal(400, 'DENIED', failure.failureReason);
}

async function getBlob(call: RegistryCall, digest: string): Promise<HttpResponse> {
  const { method } = call.request;
  const unknown = () => refusal(404, 'BLOB_UNKNOWN', `Layer with digest '${digest}' does not exist`);
  if (!isDigest(digest)) return refusal(400, 'DIGEST_INVALID', `'${digest}' is no digest`);
  if (method === 'HEAD') await ask(call, 'BatchCheckLayerAvailability', { layerDigests: [digest] });
  else {
    // ECR sends on to the bucket's address; that host is not reachable from a socket, so the content comes from here.
    if (!repositoryOf(call).blobs.has(digest)) return unknown();
    await ask(call, 'GetDownloadUrlForLayer', { layerDigest: digest });
  }
  const content = repositoryOf(call).blobs.get(digest);
  if (content === undefined) return unknown();
  const headers = { 'content-type': 'application/octet-stream', 'docker-content-digest': digest, 'accept-ranges': 'bytes' };
  const wanted = method === 'GET' ? byteRange(call.request.headers.range, content.length) : undefined;
  if (wanted === 'unsatisfiable')
    return refusal(416, 'SIZE_INVALID', 'The requested range is not satisfiable', { 'content-range': `bytes */${content.length}` });
  if (wanted === undefined) return { ...bare(200, { ...headers, 'content-length': String(content.length) }), body: content };
  const { first, last } = wanted;
  const body = content.subarray(first, last + 1);
  const range = { 'content-length': String(body.length), 'content-range': `bytes ${first}-${last}/${content.length}` };
  return { ...bare(206, { ...headers, ...range }), body };
}

/** One range, as clients ask to go on with a download; several, or another unit, are answered with everything. https://www.rfc-editor.org/rfc/rfc9110#name-range */
function byteRange(
  header: string | undefined,
  size: number,
): { readonly first: number; readonly last: number } | 'unsatisfiable' | undefined {
  const [, from = '', to = ''] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? [];
  if (from === '' && to === '') return undefined;
  if (from === '') return Number(to) === 0 || size === 0 ? 'unsatisfiable' : { first: Math.max(0, size - Number(to)), last: size - 1 };
  if (to !== '' && Number(to) < Number(from)) return undefined;
  if (Number(from) >= size) return 'unsatisfiable';
  return { first: Number(from), last: to === '' ? size - 1 : Math.min(Number(to), size - 1) };
}

/** Of one page. */
const MOST_TAGS = 1000;

async function listTags(call: RegistryCall): Promise<HttpResponse> {
  const parameters = new URLSearchParams(call.request.query);
  const n = parameters.get('n');
  if (n !== null && !(/^\d{1,9}$/.test(n) && Number(n) <= MOST_TAGS))
    return refusal(400, 'PAGINATION_NUMBER_INVALID', 'invalid number of results requested');
  const tags: string[] = [];
  for (let nextToken: string | undefined; ; ) {
    const output = await ask<{ imageIds: { imageTag?: string }[]; nextToken?: string }>(call, 'ListImages', {
      nextToken,
      maxResults: 1000,
      filter: { tagStatus: 'TAGGED' },
    });
    tags.push(...output.imageIds.flatMap((id) => id.imageTag ?? []));
    nextToken = output.nextToken;
    if (nextToken === undefined) break;
  }
  const last = parameters.get('last') ?? '';
  const after = tags.toSorted().filter((tag) => tag > last);
  const count = n === null ? after.length : Number(n);
  const shown = after.slice(0, count);
  const body = JSON.stringify({ name: call.repositoryName, tags: shown });
  const more = count > 0 && shown.length < after.length;
  const link = `</v2/${call.repositoryName}/tags/list?n=${count}&last=${encodeURIComponent(shown.at(-1) ?? '')}>; rel="next"`;
  return textResponse(200, body, {
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(body)),
    ...(more ? { link } : {}),
  });
}

async function listReferrers(call: RegistryCall, digest: string): Promise<HttpResponse> {
  if (!isDigest(digest)) return refusal(400, 'DIGEST_INVALID', `'${digest}' is no digest`);
  const type = new URLSearchParams(call.request.query).get('artifactType');
  interface Output {
    referrers: { digest: string; mediaType: string; artifactType?: string; size: number; annotations?: Record<string, string> }[];
    nextToken?: string;
  }
  const manifests: object[] = [];
  for (let nextToken: string | undefined; ; ) {
    const filter = type === null ? undefined : { artifactTypes: [type] };
    let output: Output;
    try {
      output = await ask<Output>(call, 'ListImageReferrers', { subjectId: { imageDigest: digest }, filter, nextToken });
    } catch (error) {
      // The protocol wants an empty list for an image that is not there.
      if (!(error instanceof ServiceError) || error.code !== 'ImageNotFoundException') throw error;
      output = { referrers: [] };
    }
    for (const { digest, mediaType, artifactType, size, annotations } of output.referrers)
      manifests.push({ mediaType, digest, size, artifactType, annotations });
    nextToken = output.nextToken;
    if (nextToken === undefined) break;
  }
  const body = JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests });
  const filtered: Record<string, string> = type === null ? {} : { 'oci-filters-applied': 'artifactType' };
  return textResponse(200, body, { 'content-type': OCI_INDEX, 'content-length': String(Buffer.byteLength(body)), ...filtered });
}
