/** What every answer of the registry protocol is made of: responses, errors, and the call to ECR behind them. */
import { type HttpRequest, type HttpResponse, textResponse } from '../../core/http.ts';
import type { Principal } from '../../core/service.ts';
import type { Site } from '../../core/site.ts';

/** One request of a known caller, on one repository. */
export interface RegistryCall {
  readonly site: Site;
  readonly principal: Principal;
  readonly request: HttpRequest;
  readonly repositoryName: string;
}

/** A response without a body. */
export function bare(status: number, headers: Record<string, string> = {}): HttpResponse {
  return {
    status,
    headers: { 'docker-distribution-api-version': 'registry/2.0', 'content-length': '0', ...headers },
    body: new Uint8Array(),
  };
}

/** An error as registries send it. */
export function refusal(status: number, code: string, message: string, headers: Record<string, string> = {}): HttpResponse {
  const body = JSON.stringify({ errors: [{ code, message }] });
  return textResponse(status, body, {
    'content-type': 'application/json; charset=utf-8',
    'docker-distribution-api-version': 'registry/2.0',
    'content-length': String(Buffer.byteLength(body)),
    ...headers,
  });
}

/** Calls ECR as the caller, so that IAM, limits, faults and the meter see a push as they see any call. */
export function ask<Output>({ site, principal, repositoryName }: RegistryCall, operation: string, input: object): Promise<Output> {
  return site.call<Output>(principal, 'ecr', operation, { repositoryName, ...input });
}
