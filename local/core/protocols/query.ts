/** The query protocol: form-encoded requests, XML answers. SNS, STS and load balancing speak it. */
import { timestampText } from './json.ts';
import type { List, MapShape, Member, Shape, Structure } from './shape.ts';

/** A form as tree: `Tags.member.1.Key=a` is `{Tags: {member: {1: {Key: 'a'}}}}`; a leaf keeps its text. */
interface Tree {
  text?: string;
  readonly parts: Map<string, Tree>;
}

/** The parameters of a form body, decoded, in order. */
export function formParameters(body: string): readonly (readonly [string, string])[] {
  return [...new URLSearchParams(body)];
}

const wireName = (member: Member) => (member.traits.xmlName as string | undefined) ?? member.name;

/** The input of a call, from all parameters but Action and Version. Unknown parameters are passed on under their own name. */
export function fromForm(shape: Shape, parameters: readonly (readonly [string, string])[], lenient = false): unknown {
  const root: Tree = { parts: new Map() };
  for (const [name, value] of parameters) {
    if (name === 'Action' || name === 'Version') continue;
    let tree = root;
    for (const part of name.split('.')) {
      let next = tree.parts.get(part);
      if (next === undefined) {
        next = { parts: new Map() };
        tree.parts.set(part, next);
      }
      tree = next;
    }
    tree.text = value;
  }
  return shape.kind === 'unit' ? {} : fromTree(shape, root, lenient);
}

function fromTree(shape: Shape, tree: Tree, lenient: boolean): unknown {
  switch (shape.kind) {
    case 'structure': {
      const result: Record<string, unknown> = {};
      const byWire = new Map([...shape.members.values()].map((member) => [wireName(member), member]));
      for (const [part, sub] of tree.parts) {
        const member = byWire.get(part);
        if (member !== undefined) result[member.name] = fromTree(member.shape, sub, lenient);
        else if (!lenient) result[part] = sub.text ?? {};
      }
      return result;
    }
    case 'list': {
      // An empty list is sent as the bare name with an empty value.
      const holder = shape.traits.xmlFlattened ? tree : (tree.parts.get(itemName(shape)) ?? { parts: new Map() });
      return numbered(holder).map((sub) => fromTree(shape.item.shape, sub, lenient));
    }
    case 'map': {
      const holder = shape.traits.xmlFlattened ? tree : (tree.parts.get('entry') ?? { parts: new Map() });
      const result: Record<string, unknown> = {};
      for (const entry of numbered(holder)) {
        const key = entry.parts.get(wireName(shape.key))?.text ?? '';
        const value = entry.parts.get(wireName(shape.value));
        result[key] = value === undefined ? undefined : fromTree(shape.value.shape, value, lenient);
      }
      return result;
    }
    default:
      return tree.parts.size > 0 ? Object.fromEntries(tree.parts) : scalar(shape, tree.text ?? '');
  }
}

function numbered(tree: Tree): readonly Tree[] {
  return [...tree.parts].sort(([a], [b]) => Number(a) - Number(b)).map(([, sub]) => sub);
}

const itemName = (shape: List) => (shape.item.traits.xmlName as string | undefined) ?? 'member';

/** A text as the scalar that a shape wants; what does not fit is passed on as text, for the check to name it. */
export function scalar(shape: Shape, text: string): unknown {
  switch (shape.kind) {
    case 'number':
      return text.trim() === '' || Number.isNaN(Number(text)) ? text : Number(text);
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : text;
    case 'timestamp':
      return /^-?\d+(\.\d+)?$/.test(text) ? new Date(Number(text) * 1000) : new Date(text);
    case 'blob':
      return new Uint8Array(Buffer.from(text, 'base64'));
    default:
      return text;
  }
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', '\r': '&#xD;' };
const escaped = (text: string) => text.replace(/[&<>"\r]/g, (character) => ESCAPES[character]!);

/** `<DescribeRulesResponse xmlns="…"><DescribeRulesResult>…` */
export function answerXml(operation: string, namespace: string, shape: Shape, output: unknown, requestId: string): string {
  const result = shape.kind === 'structure' ? `<${operation}Result>${structureXml(shape, output as object)}</${operation}Result>` : '';
  return `<${operation}Response xmlns="${namespace}">${result}<ResponseMetadata><RequestId>${requestId}</RequestId></ResponseMetadata></${operation}Response>`;
}

/** @param members further members of the error, as XML */
export function errorXml(
  namespace: string,
  code: string,
  message: string,
  fault: 'Sender' | 'Receiver',
  requestId: string,
  members: string,
): string {
  return `<ErrorResponse xmlns="${namespace}"><Error><Type>${fault}</Type><Code>${escaped(code)}</Code><Message>${escaped(message)}</Message>${members}</Error><RequestId>${requestId}</RequestId></ErrorResponse>`;
}

export function structureXml(shape: Structure, value: object): string {
  let xml = '';
  for (const [name, one] of Object.entries(value)) {
    const member = shape.members.get(name);
    if (member !== undefined && one !== undefined && one !== null) xml += memberXml(wireName(member), member.shape, one);
  }
  return xml;
}

function memberXml(name: string, shape: Shape, value: unknown): string {
  switch (shape.kind) {
    case 'structure':
      return `<${name}>${structureXml(shape, value as object)}</${name}>`;
    case 'list': {
      const items = value as readonly unknown[];
      if (shape.traits.xmlFlattened) return items.map((one) => memberXml(name, shape.item.shape, one)).join('');
      return `<${name}>${items.map((one) => memberXml(itemName(shape), shape.item.shape, one)).join('')}</${name}>`;
    }
    case 'map':
      return mapXml(name, shape, value as Record<string, unknown>);
    case 'timestamp':
      return `<${name}>${timestampText(shape, value as Date, 'date-time')}</${name}>`;
    case 'blob':
      return `<${name}>${Buffer.from(value as Uint8Array).toString('base64')}</${name}>`;
    default:
      return `<${name}>${escaped(String(value))}</${name}>`;
  }
}

function mapXml(name: string, shape: MapShape, value: Record<string, unknown>): string {
  const pairs = Object.entries(value)
    .filter(([, one]) => one !== undefined)
    .map(([key, one]) => memberXml(wireName(shape.key), shape.key.shape, key) + memberXml(wireName(shape.value), shape.value.shape, one));
  if (shape.traits.xmlFlattened) return pairs.map((pair) => `<${name}>${pair}</${name}>`).join('');
  return `<${name}>${pairs.map((pair) => `<entry>${pair}</entry>`).join('')}</${name}>`;
}
