/** Answers requests for services that local AWS does not have, each in the form that its client can show. */
import { type HttpRequest, type HttpResponse, textResponse } from '../core/http.ts';
import { errorXml } from '../core/protocols/query.ts';

/** What a person with a browser or curl reads. */
const WELCOME =
  'This is local AWS. Requests to it are signed: use an SDK or the AWS CLI with this address as endpoint URL, and the keys of a profile.';

/** @param service for which it is signed; nobody knows for which service a request is that is not signed */
export function answerUnknownService(request: HttpRequest, service: string | undefined): HttpResponse {
  if (service === undefined) {
    if (request.method === 'GET' && request.path === '/') return textResponse(200, `${WELCOME}\n`);
    return error(request, service, { code: 'MissingAuthenticationTokenException', message: WELCOME, status: 403 });
  }
  const message = `not implemented on local AWS: ${service.replace(/[^a-z0-9-]/gi, '?').slice(0, 50)}`;
  return error(request, service, { code: 'NotImplemented', message, status: 501 });
}

/** Services whose errors are XML though nobody sends them forms. https://smithy.io/2.0/aws/protocols/aws-restxml-protocol.html */
const REST_XML = new Set(['route53', 'cloudfront']);

function error(
  { headers }: HttpRequest,
  service: string | undefined,
  { code, message, status }: { readonly code: string; readonly message: string; readonly status: number },
): HttpResponse {
  const xml = (body: string) => textResponse(status, body, { 'content-type': 'text/xml' });
  const fields = `<Code>${code}</Code><Message>${message}</Message>`;
  // S3 and EC2 have forms of their own: https://smithy.io/2.0/aws/protocols/aws-ec2-query-protocol.html
  if (service === 's3') return xml(`<Error>${fields}</Error>`);
  if (service === 'ec2') return xml(`<Response><Errors><Error>${fields}</Error></Errors></Response>`);
  if (REST_XML.has(service ?? '') || headers['content-type']?.startsWith('application/x-www-form-urlencoded'))
    return xml(errorXml('', code.replace(/Exception$/, ''), message, 'Sender', '', ''));
  return textResponse(status, JSON.stringify({ __type: code, message }), { 'content-type': 'application/json', 'x-amzn-errortype': code });
}
