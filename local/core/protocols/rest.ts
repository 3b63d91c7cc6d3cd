/** HTTP bindings of the restJson protocol: what travels in path, query, headers and body. Lambda and Scheduler speak it. */
import type { HttpRequest } from '../http.ts';
import { readJson, timestampText, writeJson } from './json.ts';
import { scalar } from './query.ts';
import type { Member, Shape, Structure } from './shape.ts';

/** One operation's place: method and path with its labels. */
export interface Route {
  readonly operation: string;
  readonly method: string;
  /** Literal text, or the name of a label; a greedy label takes the rest. */
  readonly segments: readonly ({ readonly literal: string } | { readonly label: string; readonly greedy: boolean })[];
  /** `?list-type=2` in the template. */
  readonly query: readonly (readonly [string, string])[];
  /** HTTP status of success. */
  readonly status: number;
}

/** @param http as in the schema: method, template, status */
export function route(operation: string, http: readonly [string, string, number]): Route {
  const [method, template, status] = http;
  const [path = '', query = ''] = template.split('?');
  const segments = path
    .replace(/\/$/, '')
    .split('/')
    .slice(1)
    .map((part) => {
      const label = /^\{(.+?)(\+)?\}$/.exec(part);
      return label === null ? { literal: part } : { label: label[1]!, greedy: label[2] !== undefined };
    });
  return { operation, method, segments, query: [...new URLSearchParams(query)], status };
}

/** The route that a request takes, with its labels decoded. Literal segments win over labels, longer queries over shorter. */
export function match(
  routes: readonly Route[],
  request: HttpRequest,
): { route: Route; labels: Readonly<Record<string, string>> } | undefined {
  const parts = request.path.split('/').slice(1);
  if (parts.at(-1) === '' && parts.length > 1) parts.pop();
  const query = new URLSearchParams(request.query);
  let best: { route: Route; labels: Record<string, string>; score: number } | undefined;
  for (const one of routes) {
    if (one.method !== request.method || !one.query.every(([name, value]) => query.get(name) === value)) continue;
    const labels = matchPath(one, parts);
    if (labels === undefined) continue;
    const score = one.query.length * 100 + one.segments.filter((segment) => 'literal' in segment).length;
    if (best === undefined || score > best.score) best = { route: one, labels, score };
  }
  return best;
}

function matchPath(one: Route, parts: readonly string[]): Record<string, string> | undefined {
  const labels: Record<string, string> = {};
  let index = 0;
  for (const segment of one.segments) {
    const part = parts[index];
    if (part === undefined) return undefined;
    if ('literal' in segment) {
      if (part !== segment.literal) return undefined;
      index++;
    } else if (segment.greedy) {
      labels[segment.label] = parts.slice(index).map(decodeURIComponent).join('/');
      index = parts.length;
    } else {
      labels[segment.label] = decodeURIComponent(part);
      index++;
    }
  }
  return index === parts.length ? labels : undefined;
}

/** The input of a call. @throws SyntaxError on a body that is no JSON */
export function fromRest(shape: Structure, request: HttpRequest, labels: Readonly<Record<string, string>>, lenient: boolean): unknown {
  const input: Record<string, unknown> = {};
  const query = new URLSearchParams(request.query);
  let payload: Member | undefined;
  for (const member of shape.members.values()) {
    const { httpLabel, httpQuery, httpHeader, httpPayload } = member.traits;
    let value: unknown;
    if (httpLabel) value = labels[member.name] === undefined ? undefined : scalar(member.shape, labels[member.name]!);
    else if (httpQuery) value = fromQuery(member.shape, query.getAll(httpQuery as string));
    else if (httpHeader) value = fromHeader(member.shape, request.headers[(httpHeader as string).toLowerCase()]);
    else if (httpPayload) payload = member;
    if (value !== undefined) input[member.name] = value;
  }
  if (payload !== undefined) {
    if (request.body.length > 0)
      input[payload.name] = payload.shape.kind === 'blob' ? request.body : readJson(payload.shape, text(request.body), lenient);
  } else if (request.body.length > 0) {
    // Labels and headers do not belong into the body; what stands there and is no member is for the check to name.
    Object.assign(input, readJson(bodyOf(shape), text(request.body), lenient));
  }
  return input;
}

const bodies = new WeakMap<Structure, Structure>();

/** The members of a shape that travel in the body. */
function bodyOf(shape: Structure): Structure {
  let body = bodies.get(shape);
  if (body === undefined) {
    const inBody = [...shape.members].filter(([, { traits }]) => !(traits.httpLabel || traits.httpQuery || traits.httpHeader));
    body = { ...shape, members: new Map(inBody) };
    bodies.set(shape, body);
  }
  return body;
}

const decoder = new TextDecoder();
const text = (bytes: Uint8Array) => decoder.decode(bytes);

function fromQuery(shape: Shape, values: readonly string[]): unknown {
  if (values.length === 0) return undefined;
  return shape.kind === 'list' ? values.map((value) => scalar(shape.item.shape, value)) : scalar(shape, values[0]!);
}

function fromHeader(shape: Shape, value: string | undefined): unknown {
  if (value === undefined) return undefined;
  return shape.kind === 'list' ? value.split(',').map((one) => scalar(shape.item.shape, one.trim())) : scalar(shape, value);
}

export interface RestAnswer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: Uint8Array;
}

/** An answer, from output already checked. */
export function toRest(shape: Shape, output: Readonly<Record<string, unknown>>, status: number): RestAnswer {
  const headers: Record<string, string> = {};
  if (shape.kind !== 'structure') return { status, headers, body: new Uint8Array() };
  const rest: Record<string, unknown> = {};
  let code = status;
  let payload: Uint8Array | undefined;
  let bound = false;
  for (const member of shape.members.values()) {
    const value = output[member.name];
    const { httpHeader, httpPayload, httpResponseCode } = member.traits;
    if (httpPayload) bound = true;
    if (value === undefined || value === null) continue;
    if (httpHeader) headers[(httpHeader as string).toLowerCase()] = headerText(member.shape, value);
    else if (httpResponseCode) code = value as number;
    else if (httpPayload) payload = member.shape.kind === 'blob' ? (value as Uint8Array) : encoder.encode(writeJson(member.shape, value));
    else rest[member.name] = value;
  }
  if (bound) return { status: code, headers: { 'content-type': 'application/json', ...headers }, body: payload ?? new Uint8Array() };
  return { status: code, headers: { 'content-type': 'application/json', ...headers }, body: encoder.encode(writeJson(shape, rest)) };
}

const encoder = new TextEncoder();

function headerText(shape: Shape, value: unknown): string {
  if (shape.kind === 'timestamp') return String(timestampText(shape, value as Date, 'http-date'));
  if (shape.kind === 'list') return (value as readonly unknown[]).join(',');
  return String(value);
}
