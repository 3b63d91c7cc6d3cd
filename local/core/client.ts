/** Lets an ordinary AWS SDK client of this process speak to local AWS. */
import { buildQueryString, HttpResponse as SmithyResponse } from '@smithy/core/protocols';
import { SignatureV4 } from '@smithy/signature-v4';
import type { World } from './site.ts';

/** An access key as SDK clients take it. */
export interface AccessKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** The parts of the SDK's own request that travel. */
interface SdkRequest {
  readonly method: string;
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly path: string;
  readonly query?: Record<string, string | string[] | null>;
  readonly headers: Record<string, string>;
  readonly body?: unknown;
}

const encoder = new TextEncoder();

/**
 * The configuration of any SDK v3 client: `new ECSClient(clientConfig(world, { region, credentials }))`.
 * Requests stay in this process and are signed at the world's time.
 * @param options.maxAttempts default 1: the SDK waits in real time between attempts, which a test should not
 */
export function clientConfig(
  world: World,
  options: { readonly region: string; readonly credentials: AccessKey; readonly maxAttempts?: number },
) {
  const { region, credentials, maxAttempts = 1 } = options;
  return {
    region,
    credentials,
    maxAttempts,
    requestHandler: { handle: (request: SdkRequest) => send(world, request) } as never,
    signerConstructor: signerAt(world),
    // The answer's date is the world's; following it would shift the SDK's clock for nothing.
    disableClockSkewCorrection: true,
  };
}

/** The SDK signs with the machine's clock; the world may stand at another time. */
function signerAt(world: World): typeof SignatureV4 {
  return class extends SignatureV4 {
    override sign(request: never, options: object): never {
      return super.sign(request, { ...options, signingDate: new Date(world.clock.now()) }) as never;
    }
  } as typeof SignatureV4;
}

async function send(world: World, request: SdkRequest): Promise<{ response: SmithyResponse }> {
  const port = request.port === undefined || request.port === 443 ? '' : `:${request.port}`;
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) headers[name.toLowerCase()] = value;
  const response = await world.http({
    method: request.method,
    host: `${request.hostname}${port}`,
    path: request.path,
    query: buildQueryString(request.query ?? {}),
    headers,
    body: bytes(request.body),
  });
  return { response: new SmithyResponse({ statusCode: response.status, headers: { ...response.headers }, body: response.body }) };
}

function bytes(body: unknown): Uint8Array {
  if (body === undefined || body === null) return new Uint8Array();
  if (typeof body === 'string') return encoder.encode(body);
  if (body instanceof Uint8Array) return body;
  throw new TypeError('the in-process client sends text and bytes, no streams');
}
