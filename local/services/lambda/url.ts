/** Function URLs: an HTTPS host that turns a request into an invocation and its result into a response. */

import { bound } from '../../core/bound.ts';
import { type HttpRequest, type HttpResponse, textResponse } from '../../core/http.ts';
import { authorize } from '../../core/iam/authorize.ts';
import { identities } from '../../core/iam/identities.ts';
import { type Principal, ServiceError } from '../../core/service.ts';
import { authenticate } from '../../core/signature.ts';
import type { FunctionUrl, LambdaFunction } from './function.ts';
import type { LambdaFunctions } from './functions.ts';

/** https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html */
const FORBIDDEN =
  'Forbidden. For troubleshooting Function URL authorization issues, see: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html';

const isText = (type: string) => /^text\/|^application\/(?:[\w.-]+\+)?(?:json|xml)|^application\/javascript/.test(type);
/** What of a signed request the function does not get to see (judgement). */
const hidden = new Set(['authorization', 'x-amz-security-token']);

const message = (status: number, text: string, type?: string): HttpResponse =>
  textResponse(status, JSON.stringify({ Message: text }), {
    'content-type': 'application/json',
    ...(type === undefined ? {} : { 'x-amzn-errortype': type }),
  });

/** `02/Nov/2026:09:00:00 +0000` */
function commonLogTime(moment: number): string {
  const [, day, month, year, time] = /^\w+, (\d+) (\w+) (\d+) ([\d:]+)/.exec(new Date(moment).toUTCString())!;
  return `${day}/${month}/${year}:${time} +0000`;
}

export class FunctionUrls {
  private readonly lambda: LambdaFunctions;

  constructor(lambda: LambdaFunctions) {
    this.lambda = lambda;
  }

  /** Makes the URL of a function or alias, or changes its settings. */
  create(owner: LambdaFunction, qualifier: string | undefined, authType: 'AWS_IAM' | 'NONE', invokeMode = 'BUFFERED'): FunctionUrl {
    if (authType !== 'AWS_IAM' && authType !== 'NONE')
      throw new ServiceError('InvalidParameterValueException', `AuthType is AWS_IAM or NONE, not ${String(authType)}`);
    if (invokeMode !== 'BUFFERED')
      throw new ServiceError('InvalidParameterValueException', `local AWS has no function URLs with ${invokeMode}`);
    const { site, random } = this.lambda;
    const before = owner.urls.get(qualifier ?? '');
    const id = before?.id ?? random.hex(32);
    const host = `${id}.lambda-url.${site.region}.on.aws`;
    const url = { id, host, authType, invokeMode, created: before?.created ?? site.world.clock.now() };
    owner.urls.set(qualifier ?? '', url);
    site.world.listen(host, bound(this, this.answer, owner, qualifier, url));
    return url;
  }

  delete(owner: LambdaFunction, qualifier: string): void {
    const url = owner.urls.get(qualifier);
    if (url) this.lambda.site.world.close(url.host);
    owner.urls.delete(qualifier);
  }

  private async answer(
    owner: LambdaFunction,
    qualifier: string | undefined,
    url: FunctionUrl,
    request: HttpRequest,
  ): Promise<HttpResponse> {
    const { site, random } = this.lambda;
    const requestId = random.uuid();
    let principal: Principal;
    try {
      principal =
        url.authType === 'NONE'
          ? { kind: 'anonymous', arn: '*', account: site.account }
          : authenticate(site.world, request, 'lambda', site.region);
      this.admit(owner, qualifier, url, principal);
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      return message(403, error.code === 'AccessDeniedException' ? FORBIDDEN : error.message, error.code);
    }
    const event = this.event(url, request, principal, requestId);
    try {
      const invoked = await this.lambda.invokeText(owner.name, qualifier, JSON.stringify(event), 'RequestResponse', requestId);
      if (invoked!.functionError) return textResponse(502, 'Internal Server Error', { 'x-amzn-requestid': requestId });
      return response(JSON.parse(invoked!.payload), requestId);
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      return message(error.status === 429 ? 429 : 502, error.message, error.code);
    }
  }

  /** Both actions are needed since October 2025. https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html */
  private admit(owner: LambdaFunction, qualifier: string | undefined, url: FunctionUrl, principal: Principal): void {
    const { site } = this.lambda;
    const resource = qualifier === undefined ? owner.arn : `${owner.arn}:${qualifier}`;
    const resourcePolicy = owner.policy(qualifier);
    const common = { resource, ...(resourcePolicy ? { resourcePolicy } : {}) };
    const authType = { 'lambda:FunctionUrlAuthType': url.authType };
    authorize(site.world, principal, { action: 'lambda:InvokeFunctionUrl', ...common, context: authType }, site.region);
    const context = { 'lambda:InvokedViaFunctionUrl': 'true' };
    authorize(site.world, principal, { action: 'lambda:InvokeFunction', ...common, context }, site.region);
  }

  /** Payload format 2.0. */
  private event(url: FunctionUrl, request: HttpRequest, principal: Principal, requestId: string): object {
    const { site } = this.lambda;
    const now = site.world.clock.now();
    const headers: Record<string, string> = { 'x-forwarded-for': '127.0.0.1', 'x-forwarded-port': '443', 'x-forwarded-proto': 'https' };
    for (const [name, value] of Object.entries(request.headers)) if (!hidden.has(name) && name !== 'cookie') headers[name] = value;
    const query: Record<string, string> = {};
    for (const [name, value] of new URLSearchParams(request.query)) query[name] = name in query ? `${query[name]},${value}` : value;
    const path = decodeURI(request.path);
    const text = isText(headers['content-type'] ?? '');
    return {
      version: '2.0',
      routeKey: '$default',
      rawPath: path,
      rawQueryString: request.query,
      ...(request.headers.cookie === undefined ? {} : { cookies: request.headers.cookie.split(/;\s*/) }),
      headers,
      ...(Object.keys(query).length > 0 ? { queryStringParameters: query } : {}),
      requestContext: {
        accountId: principal.kind === 'anonymous' ? 'anonymous' : principal.account,
        apiId: url.id,
        ...(principal.kind === 'anonymous' ? {} : { authorizer: { iam: this.caller(request, principal) } }),
        domainName: url.host,
        domainPrefix: url.id,
        http: {
          method: request.method,
          path,
          protocol: 'HTTP/1.1',
          sourceIp: '127.0.0.1',
          userAgent: headers['user-agent'] ?? '',
        },
        requestId,
        routeKey: '$default',
        stage: '$default',
        time: commonLogTime(now),
        timeEpoch: now,
      },
      ...(request.body.byteLength > 0 ? { body: Buffer.from(request.body).toString(text ? 'utf8' : 'base64') } : {}),
      isBase64Encoded: request.body.byteLength > 0 && !text,
    };
  }

  private caller(request: HttpRequest, principal: Principal): object {
    const { world } = this.lambda.site;
    const identity = identities(world, principal.account).identityOf(principal);
    const session = principal.context?.['aws:userid'];
    const id = typeof session === 'string' ? session : (identity?.id ?? principal.account);
    return {
      accessKey: /Credential=([^/]+)\//.exec(request.headers.authorization ?? '')?.[1] ?? '',
      accountId: principal.account,
      callerId: id,
      cognitoIdentity: null,
      principalOrgId: null,
      userArn: principal.arn,
      userId: id,
    };
  }
}

/** https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-response-payload */
function response(result: unknown, requestId: string): HttpResponse {
  const base = { 'x-amzn-requestid': requestId, connection: 'keep-alive' };
  if (typeof result !== 'object' || result === null || !('statusCode' in result)) {
    const body = typeof result === 'string' ? result : JSON.stringify(result);
    return textResponse(200, body, { ...base, 'content-type': 'application/json' });
  }
  const { statusCode, headers, body, cookies, isBase64Encoded } = result as {
    statusCode: number;
    headers?: Record<string, unknown>;
    body?: unknown;
    cookies?: string[];
    isBase64Encoded?: boolean;
  };
  const sent: Record<string, string> = { ...base, 'content-type': 'application/json' };
  for (const [name, value] of Object.entries(headers ?? {})) sent[name.toLowerCase()] = String(value);
  // One header for all of them: an exchange holds each name once.
  if (cookies && cookies.length > 0) sent['set-cookie'] = cookies.join(', ');
  const text = body === undefined || body === null ? '' : typeof body === 'string' ? body : JSON.stringify(body);
  return { status: statusCode, headers: sent, body: isBase64Encoded ? Buffer.from(text, 'base64') : new TextEncoder().encode(text) };
}
