/** Uploads by the distribution protocol: at once, in chunks, or by mounting what another repository has. */
import type { HttpResponse } from '../../core/http.ts';
import { ServiceError } from '../../core/service.ts';
import type { World } from '../../core/site.ts';
import { ask, bare, type RegistryCall, refusal } from './exchange.ts';
import { PART_SIZE } from './layers.ts';

/** Chunks of any size, gathered until they make a part of the size that ECR wants. */
interface Gathering {
  readonly repositoryName: string;
  chunks: Uint8Array[];
  waiting: number;
  /** Bytes that ECR has. */
  sent: number;
}

const gatherings = (world: World): Map<string, Gathering> => world.part('registry uploads', () => new Map());

const location = (call: RegistryCall, id: string) => `/v2/${call.repositoryName}/blobs/uploads/${id}`;

/** @param id empty for the collection of uploads */
export function answerUpload(call: RegistryCall, id: string): Promise<HttpResponse> | undefined {
  const { method } = call.request;
  if (id === '') return method === 'POST' ? begin(call) : undefined;
  const upload = gatherings(call.site.world).get(id);
  if (upload === undefined || upload.repositoryName !== call.repositoryName)
    return Promise.resolve(refusal(404, 'BLOB_UPLOAD_UNKNOWN', `The upload with id '${id}' does not exist`));
  switch (method) {
    case 'GET':
      return Promise.resolve(progress(call, id, upload, 204));
    case 'PATCH':
      return append(call, id, upload);
    case 'PUT':
      return finish(call, id, upload);
    case 'DELETE':
      gatherings(call.site.world).delete(id);
      return Promise.resolve(bare(204));
    default:
      return undefined;
  }
}

function progress(call: RegistryCall, id: string, upload: Gathering, status: number): HttpResponse {
  const end = Math.max(0, upload.sent + upload.waiting - 1);
  return bare(status, { location: location(call, id), range: `0-${end}`, 'docker-upload-uuid': id });
}

async function begin(call: RegistryCall): Promise<HttpResponse> {
  const parameters = new URLSearchParams(call.request.query);
  const mount = parameters.get('mount');
  const from = parameters.get('from');
  const mounted = mount !== null && from !== null ? await mountBlob(call, mount, from) : undefined;
  if (mounted !== undefined) return mounted;
  const { uploadId } = await ask<{ uploadId: string }>(call, 'InitiateLayerUpload', {});
  const upload: Gathering = { repositoryName: call.repositoryName, chunks: [], waiting: 0, sent: 0 };
  gatherings(call.site.world).set(uploadId, upload);
  return parameters.has('digest') ? finish(call, uploadId, upload) : progress(call, uploadId, upload, 202);
}

/** Takes a blob over from another repository of the registry, if the caller may read it there; otherwise it is uploaded. */
async function mountBlob(call: RegistryCall, digest: string, from: string): Promise<HttpResponse | undefined> {
  const ecr = call.site.service('ecr');
  const content = ecr.repositories.get(from)?.blobs.get(digest);
  if (content === undefined) return undefined;
  try {
    await ask({ ...call, repositoryName: from }, 'GetDownloadUrlForLayer', { layerDigest: digest });
  } catch (error) {
    if (error instanceof ServiceError && error.code === 'AccessDeniedException') return undefined;
    throw error;
  }
  await ask(call, 'InitiateLayerUpload', {});
  ecr.repository(call.repositoryName).blobs.set(digest, content);
  return bare(201, { location: `/v2/${call.repositoryName}/blobs/${digest}`, 'docker-content-digest': digest });
}

/** A chunk says where it begins and ends, or nothing. */
async function append(call: RegistryCall, id: string, upload: Gathering): Promise<HttpResponse> {
  const { headers, body } = call.request;
  const given = headers['content-range'];
  const [, start, end] = /^(?:bytes )?(\d+)-(\d+)$/.exec(given ?? '') ?? [];
  const begins = upload.sent + upload.waiting;
  const fits = Number(start) === begins && Number(end) === begins + body.length - 1;
  if (given !== undefined && !fits) return progress(call, id, upload, 416);
  await gather(call, id, upload, body);
  return progress(call, id, upload, 202);
}

async function gather(call: RegistryCall, id: string, upload: Gathering, body: Uint8Array): Promise<void> {
  if (body.length === 0) return;
  upload.chunks.push(body);
  upload.waiting += body.length;
  while (upload.waiting >= PART_SIZE) await send(call, id, upload, PART_SIZE);
}

async function send(call: RegistryCall, id: string, upload: Gathering, size: number): Promise<void> {
  const layerPartBlob = take(upload, size);
  await ask(call, 'UploadLayerPart', { uploadId: id, partFirstByte: upload.sent, partLastByte: upload.sent + size - 1, layerPartBlob });
  upload.sent += size;
}

/** The first bytes of what waits. Chunks are cut, not joined: a layer that came at once is copied nowhere. */
function take(upload: Gathering, size: number): Uint8Array {
  const taken: Uint8Array[] = [];
  let left = size;
  let used = 0;
  while (left > 0) {
    const chunk = upload.chunks[used]!;
    taken.push(chunk.subarray(0, left));
    if (chunk.length > left) {
      upload.chunks[used] = chunk.subarray(left);
      break;
    }
    left -= chunk.length;
    used++;
  }
  upload.chunks.splice(0, used);
  upload.waiting -= size;
  return taken.length === 1 ? taken[0]! : new Uint8Array(Buffer.concat(taken, size));
}

async function finish(call: RegistryCall, id: string, upload: Gathering): Promise<HttpResponse> {
  const digest = new URLSearchParams(call.request.query).get('digest');
  if (digest === null) return refusal(400, 'DIGEST_INVALID', 'the digest is missing');
  await gather(call, id, upload, call.request.body);
  if (upload.waiting > 0) await send(call, id, upload, upload.waiting);
  gatherings(call.site.world).delete(id);
  try {
    await ask(call, 'CompleteLayerUpload', { uploadId: id, layerDigests: [digest] });
  } catch (error) {
    if (!(error instanceof ServiceError) || error.code !== 'LayerAlreadyExistsException') throw error;
  }
  return bare(201, { location: `/v2/${call.repositoryName}/blobs/${digest}`, 'docker-content-digest': digest });
}
