/** RPC v2 CBOR, which newer clients of CloudWatch speak. https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html */
import { cbor, dateToTag } from '@smithy/core/cbor';
import type { HttpRequest } from '../http.ts';
import { fromJson } from './json.ts';
import type { Shape } from './shape.ts';

/** The value of the header `smithy-protocol`, in requests and answers. */
export const RPC_V2_CBOR = 'rpc-v2-cbor';

/** `PutMetricData` of `/service/GraniteServiceVersion20100801/operation/PutMetricData`; empty for another path. */
export const operationOfPath = ({ path }: Pick<HttpRequest, 'path'>): string =>
  /^\/service\/[^/]+\/operation\/(\w+)$/.exec(path)?.[1] ?? '';

/** @throws SyntaxError for what is no CBOR */
export function fromCbor(shape: Shape, body: Uint8Array, lenient: boolean): unknown {
  let decoded: unknown;
  try {
    decoded = body.length === 0 ? {} : cbor.deserialize(body);
  } catch (error) {
    throw new SyntaxError(error instanceof Error ? error.message : String(error));
  }
  return fromJson(shape, untagged(decoded), lenient);
}

/** Timestamps are epoch seconds behind tag 1. */
function untagged(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return value.map(untagged);
  if ('tag' in value && 'value' in value && Object.getOwnPropertySymbols(value).length > 0) return untagged(value.value);
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, untagged(one)]));
}

export const toCbor = (shape: Shape, value: unknown): Uint8Array => cbor.serialize(tagged(shape, value) ?? {});

function tagged(shape: Shape, value: unknown): unknown {
  if (value === null || value === undefined) return undefined;
  switch (shape.kind) {
    case 'structure': {
      const members = Object.entries(value).map(([name, one]) => [
        name,
        tagged(shape.members.get(name)?.shape ?? { kind: 'document' }, one),
      ]);
      return Object.fromEntries(members.filter(([, one]) => one !== undefined));
    }
    case 'list':
      return (value as readonly unknown[]).map((one) => tagged(shape.item.shape, one) ?? null);
    case 'map':
      return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, tagged(shape.value.shape, one)]));
    case 'timestamp':
      return dateToTag(value as Date);
    default:
      return value;
  }
}
