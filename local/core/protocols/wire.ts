/** Requests and answers on the wire, whatever the protocol: one place that knows which is which. */
import { type HttpRequest, type HttpResponse, textResponse } from '../http.ts';
import { ServiceError } from '../service.ts';
import { fromCbor, operationOfPath, RPC_V2_CBOR, toCbor } from './cbor.ts';
import { readJson, toJson, writeJson } from './json.ts';
import type { Model, OperationModel } from './model.ts';
import { answerXml, errorXml, formParameters, fromForm, structureXml } from './query.ts';
import { fromRest, match, toRest } from './rest.ts';
import type { Structure } from './shape.ts';

/** A request whose operation is known and whose input is not yet read. */
export interface Addressed {
  readonly operation: OperationModel;
  /** The SDK-shaped input, unchecked. @throws ServiceError SerializationException */
  read(lenient: boolean): unknown;
}

const decoder = new TextDecoder();
const text = (bytes: Uint8Array) => decoder.decode(bytes);

/** Which operation a request means. @throws ServiceError UnknownOperationException */
export function address(model: Model, request: HttpRequest): Addressed {
  switch (model.protocol) {
    case 'awsJson1_0':
    case 'awsJson1_1': {
      const target = request.headers['x-amz-target'] ?? '';
      const operation = find(model, target.slice(target.lastIndexOf('.') + 1));
      return {
        operation,
        read: (lenient) => parsed(() => readJson(operation.input, text(request.body) || '{}', lenient) ?? {}),
      };
    }
    case 'query': {
      const parameters = formParameters(request.method === 'GET' ? request.query : text(request.body));
      refuseOtherVersion(model, parameters.find(([name]) => name === 'Version')?.[1]);
      const operation = find(model, parameters.find(([name]) => name === 'Action')?.[1] ?? '');
      return { operation, read: (lenient) => fromForm(operation.input, parameters, lenient) };
    }
    case 'rpcV2Cbor': {
      const operation = find(model, operationOfPath(request));
      return { operation, read: (lenient) => parsed(() => fromCbor(operation.input, request.body, lenient) ?? {}) };
    }
    case 'restJson1': {
      const found = match(model.routes, request);
      if (found === undefined) throw unknown(model, `${request.method} ${request.path}`);
      const operation = find(model, found.route.operation);
      const { input } = operation;
      return {
        operation,
        read: (lenient) => (input.kind === 'structure' ? parsed(() => fromRest(input, request, found.labels, lenient)) : {}),
      };
    }
  }
}

/** Services of one address may be told apart by their version alone, such as the classic load balancers. @throws ServiceError NotImplemented */
function refuseOtherVersion({ service, namespace = '' }: Model, version: string | undefined): void {
  const own = /\d{4}-\d{2}-\d{2}/.exec(namespace)?.[0];
  if (version !== undefined && own !== undefined && version !== own)
    throw new ServiceError('NotImplemented', `not implemented on local AWS: ${service} in the version ${version}; ${own} is here`, 501);
}

function find(model: Model, name: string): OperationModel {
  const operation = model.operations.get(name);
  if (operation === undefined) throw unknown(model, name);
  return operation;
}

const unknown = (model: Model, what: string) =>
  new ServiceError('UnknownOperationException', `the operation ${what} is not one that the client of ${model.service} knows`, 404);

function parsed(read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    if (error instanceof SyntaxError) throw new ServiceError('SerializationException', `the body is not JSON: ${error.message}`);
    throw error;
  }
}

const encoder = new TextEncoder();

/** An answer from output that was checked. */
export function success(model: Model, operation: OperationModel, output: object, requestId: string): HttpResponse {
  const id = { 'x-amzn-requestid': requestId };
  switch (model.protocol) {
    case 'awsJson1_0':
    case 'awsJson1_1':
      return {
        status: 200,
        headers: { 'content-type': contentType(model), ...id },
        body: encoder.encode(writeJson(operation.output, output)),
      };
    case 'rpcV2Cbor':
      return { status: 200, headers: { ...CBOR, ...id }, body: toCbor(operation.output, output) };
    case 'query':
      return {
        status: 200,
        headers: { 'content-type': 'text/xml', ...id },
        body: encoder.encode(answerXml(operation.name, model.namespace ?? '', operation.output, output, requestId)),
      };
    case 'restJson1': {
      const { status, headers, body } = toRest(operation.output, output as Record<string, unknown>, operation.route?.status ?? 200);
      return { status, headers: { ...headers, ...id }, body };
    }
  }
}

const CBOR = { 'content-type': 'application/cbor', 'smithy-protocol': RPC_V2_CBOR };

const contentType = (model: Model) => (model.protocol === 'awsJson1_0' ? 'application/x-amz-json-1.0' : 'application/x-amz-json-1.1');

/** Names of errors that every service has, in the query protocol. https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html */
const QUERY_NAMES: Readonly<Record<string, string>> = {
  AccessDeniedException: 'AccessDenied',
  ExpiredTokenException: 'ExpiredToken',
  IncompleteSignatureException: 'IncompleteSignature',
  InvalidSignatureException: 'SignatureDoesNotMatch',
  MissingAuthenticationTokenException: 'MissingAuthenticationToken',
  UnrecognizedClientException: 'InvalidClientTokenId',
  UnknownOperationException: 'InvalidAction',
};

/** What old clients, which send forms, are told in other words. */
const FORMER_WORDS: Readonly<Record<string, string>> = {
  'The specified queue does not exist.': 'The specified queue does not exist for this wsdl version.',
};

/** @param now milliseconds since the epoch; clients with a wrong clock correct it by the date of an error */
export function failure(model: Model, error: ServiceError, requestId: string, now: number): HttpResponse {
  const shape = model.errorShapes.get(error.code);
  const [queryCode, queryStatus] = (shape?.traits.awsQueryError as readonly [string, number] | undefined) ?? [];
  const status = (shape?.traits.httpError as number | undefined) ?? error.status;
  const common = { 'x-amzn-requestid': requestId, date: new Date(now).toUTCString() };
  if (model.protocol === 'query') {
    const code = queryCode ?? QUERY_NAMES[error.code] ?? error.code;
    const members = shape === undefined ? '' : structureXml(shape, error.fields);
    const body = errorXml(
      model.namespace ?? '',
      code,
      FORMER_WORDS[error.message] ?? error.message,
      status < 500 ? 'Sender' : 'Receiver',
      requestId,
      members,
    );
    return textResponse(queryStatus ?? status, body, { ...common, 'content-type': 'text/xml' });
  }
  const query: Record<string, string> = model.queryCompatible
    ? { 'x-amzn-query-error': `${queryCode ?? QUERY_NAMES[error.code] ?? error.code};${status < 500 ? 'Sender' : 'Receiver'}` }
    : {};
  if (model.protocol === 'rpcV2Cbor') {
    const body = toCbor({ kind: 'document' }, { __type: error.code, ...errorMembers(shape, error) });
    return { status: callersFault(shape, status), headers: { ...common, ...CBOR, ...query }, body };
  }
  const body = JSON.stringify({ ...(model.protocol === 'restJson1' ? {} : { __type: error.code }), ...errorMembers(shape, error) });
  if (model.protocol === 'restJson1')
    return textResponse(status, body, { ...common, 'content-type': 'application/json', 'x-amzn-errortype': error.code });
  return textResponse(callersFault(shape, status), body, { ...common, 'content-type': contentType(model), ...query });
}

/** The RPC protocols answer the caller's faults with 400, unless the error's shape says otherwise. */
const callersFault = (shape: Structure | undefined, status: number) =>
  shape?.traits.httpError === undefined && status > 400 && status < 500 ? 400 : status;

/** The message under the name that the error's shape gives it, and its further members. */
function errorMembers(shape: Structure | undefined, error: ServiceError): object {
  const name = shape !== undefined && !shape.members.has('message') && shape.members.has('Message') ? 'Message' : 'message';
  return { [name]: error.message, ...(shape === undefined ? error.fields : (toJson(shape, error.fields) as object)) };
}
