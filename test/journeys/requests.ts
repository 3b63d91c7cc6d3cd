/** Requests to the door of decisions as whoever sends them: signed by any key, changed on the way, sent again. */
import { Sha256 } from '@smithy/core/checksum';
import { HttpRequest } from '@smithy/core/protocols';
import { SignatureV4 } from '@smithy/signature-v4';
import { functionName } from '../../domain/pipeline/names.ts';
import type { AccessKey } from '../../local/core/client.ts';
import type { LocalPipeline } from '../../rehearsal/local-pipeline.ts';

export interface Sent {
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly query: string;
  readonly headers: Record<string, string>;
  readonly body: Uint8Array;
}

/** @param key unsigned without one */
export async function request(local: LocalPipeline, decision: object, key?: AccessKey, method = 'POST'): Promise<Sent> {
  const { FunctionUrl } = await local.site.call<{ FunctionUrl: string }>(
    local.site.service('iam').userPrincipal('rehearsal'),
    'lambda',
    'GetFunctionUrlConfig',
    { FunctionName: functionName(local.pipeline.name, 'decide') },
  );
  const { host } = new URL(FunctionUrl);
  const body = method === 'GET' ? '' : JSON.stringify(decision);
  const headers = { host, 'content-type': 'application/json' };
  const plain = { method, host, path: '/', query: '', body: new TextEncoder().encode(body) };
  if (key === undefined) return { ...plain, headers };
  const signer = new SignatureV4({ service: 'lambda', region: local.site.region, credentials: key, sha256: Sha256 as never });
  const signed = await signer.sign(new HttpRequest({ method, protocol: 'https:', hostname: host, path: '/', headers, body }), {
    signingDate: new Date(local.clock.now()),
  });
  return { ...plain, headers: Object.fromEntries(Object.entries(signed.headers).map(([name, value]) => [name.toLowerCase(), value])) };
}

/** @returns status and text of the answer */
export async function send(local: LocalPipeline, sent: Sent): Promise<{ readonly status: number; readonly text: string }> {
  const { status, body } = await local.world.http(sent);
  return { status, text: Buffer.from(body).toString('utf8') };
}
