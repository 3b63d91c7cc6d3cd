/** What a service's SDK client knows about it: operations, shapes, errors. Loaded when the first request asks for it. */
import { createRequire } from 'node:module';
import { CLIENTS, type Client } from './clients.ts';
import enums from './enums.json' with { type: 'json' };
import { type Route, route } from './rest.ts';
import { type Shape, Shapes, type Structure } from './shape.ts';

export interface OperationModel {
  readonly name: string;
  readonly input: Shape;
  readonly output: Shape;
  readonly route?: Route;
}

export interface Model extends Client {
  readonly service: string;
  readonly operations: ReadonlyMap<string, OperationModel>;
  /** By shape name. */
  readonly errorShapes: ReadonlyMap<string, Structure>;
  readonly routes: readonly Route[];
}

/** Values that AWS documents and the client's constant lacks: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceDeployment.html */
const FURTHER_VALUES: Readonly<Record<string, readonly string[]>> = { ServiceDeploymentLifecycleStage: ['PRE_PRODUCTION_TRAFFIC_SHIFT'] };

// Loaded at once and not by import(): waiting for the disk between two requests would make their order depend on it.
const require = createRequire(import.meta.url);
const models = new Map<string, Model>();

/** The model of a service; undefined where no SDK client is known for it. */
export function modelOf(service: string): Model | undefined {
  const known = models.get(service);
  if (known !== undefined) return known;
  const client = CLIENTS[service];
  if (client === undefined) return undefined;
  const made = read(service, client);
  models.set(service, made);
  return made;
}

function read(service: string, client: Client): Model {
  const exported = require(client.client) as Readonly<Record<string, unknown>>;
  const shapes = new Shapes(enumReader(service, exported));
  const operations = new Map<string, OperationModel>();
  const errors = new Map<string, Structure>();
  for (const [name, schema] of Object.entries(exported)) {
    if (!name.endsWith('$') || !Array.isArray(schema)) continue;
    if (schema[0] === 9) {
      const [, , operation, traits, input, output] = schema as [
        number,
        string,
        string,
        { http?: [string, string, number] },
        unknown,
        unknown,
      ];
      operations.set(operation, {
        name: operation,
        input: shapes.of(input),
        output: shapes.of(output),
        route: traits.http === undefined ? undefined : route(operation, traits.http),
      });
    } else if (schema[0] === -3) errors.set(schema[2] as string, shapes.of(schema) as Structure);
  }
  const routes = [...operations.values()].map((operation) => operation.route).filter((one) => one !== undefined);
  return { ...client, service, operations, errorShapes: errors, routes };
}

function enumReader(service: string, exported: Readonly<Record<string, unknown>>) {
  const members: Readonly<Record<string, string>> = (enums as Readonly<Record<string, Readonly<Record<string, string>>>>)[service] ?? {};
  const sets = new Map<string, ReadonlySet<string>>();
  const values = (name: string | undefined): ReadonlySet<string> | undefined => {
    if (name === undefined || name === '') return undefined;
    let found = sets.get(name);
    if (found === undefined) {
      found = new Set([...Object.values((exported[name] ?? {}) as Record<string, string>), ...(FURTHER_VALUES[name] ?? [])]);
      sets.set(name, found);
    }
    return found;
  };
  return (structure: string, member: string) => {
    const name = members[`${structure}.${member}`];
    if (name === undefined) return undefined;
    if (!name.includes('=>')) return { value: values(name) };
    const [key, value] = name.split('=>');
    return { key: values(key), value: values(value) };
  };
}
