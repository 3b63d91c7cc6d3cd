/**
 * Saved tables for SDK clients of this process: items are got and queried as in the world that saved them. Requests are not signed, and
 * are answered by the service itself: what it takes and gives is what stands in the body, as DynamoDB's values are JSON already.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.LowLevelAPI.html
 */
import { HttpResponse } from '@smithy/core/protocols';
import { EndedWorld } from '../../core/ended-world.ts';
import { type Call, ServiceError } from '../../core/service.ts';
import { DynamoDb } from './index.ts';

/** The rest writes, or is asked by nobody who reads. */
const READS = ['GetItem', 'Query'];

export interface SavedTables {
  readonly account: string;
  readonly region: string;
  /** When they were saved, in milliseconds since the epoch. */
  readonly now: number;
  /** As the service saved itself; nothing, if it had no table. */
  readonly saved: unknown;
}

interface SdkRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** The configuration of a DynamoDB client that reads them. */
export function readerOf({ account, region, now, saved }: SavedTables) {
  const service = new EndedWorld(now, { dynamodb: (site) => new DynamoDb(site) }).site(account, region).service('dynamodb');
  if (saved !== undefined) service.load(saved);
  const arn = `arn:aws:iam::${account}:user/reader`;
  const call: Call = { principal: { kind: 'user', arn, account }, requestId: 'read', now };
  const handle = async ({ headers, body }: SdkRequest) => ({ response: await answer(service, call, headers, body) });
  return {
    region,
    credentials: { accessKeyId: 'reader', secretAccessKey: 'reads' },
    signer: { sign: <Request>(request: Request) => Promise.resolve(request) },
    requestHandler: { handle },
  };
}

async function answer(service: DynamoDb, call: Call, headers: SdkRequest['headers'], body: unknown): Promise<HttpResponse> {
  const operation = headers['x-amz-target']?.split('.')[1] ?? '';
  try {
    if (!READS.includes(operation))
      throw new ServiceError('AccessDeniedException', `User: ${call.principal.arn} is not authorized to perform: dynamodb:${operation}`);
    return json(200, await service.operations[operation]?.handle(JSON.parse(text(body)), call));
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    return json(error.status, { ...error.fields, __type: error.code, message: error.message });
  }
}

const text = (body: unknown): string => (typeof body === 'string' ? body : new TextDecoder().decode(body as Uint8Array));

const json = (statusCode: number, value: unknown) =>
  new HttpResponse({
    statusCode,
    headers: { 'content-type': 'application/x-amz-json-1.0' },
    body: new TextEncoder().encode(JSON.stringify(value)),
  });
