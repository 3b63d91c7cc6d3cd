/** Bodies that clients compress, such as those of PutMetricData from 10 KiB on. https://docs.aws.amazon.com/sdkref/latest/guide/feature-compression.html */
import { gunzipSync } from 'node:zlib';
import type { HttpRequest } from '../http.ts';
import { ServiceError } from '../service.ts';

/** A body that unpacks to more is a trap. Bytes. */
const LARGEST = 64 * 1024 * 1024;

/** The request with its body as it was before it was compressed; signatures cover the compressed one. @throws ServiceError SerializationException */
export function inflated(request: HttpRequest): HttpRequest {
  if (request.headers['content-encoding'] !== 'gzip') return request;
  try {
    return { ...request, body: new Uint8Array(gunzipSync(request.body, { maxOutputLength: LARGEST })) };
  } catch {
    throw new ServiceError('SerializationException', 'the body is not gzip, or unpacks to more than 64 MiB');
  }
}
