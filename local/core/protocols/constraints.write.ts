/**
 * Writes `constraints.json`: lengths, ranges and patterns of requests, which the schemas of the SDK's clients do not hold.
 * They come from the service models in botocore, AWS's own client library for Python (Apache-2.0), of which Debian's
 * package python3-botocore 1.29.27 was used: `node local/core/protocols/constraints.write.ts …/botocore/data`.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { CLIENTS } from './clients.ts';

interface ModelShape {
  readonly type: string;
  readonly min?: number;
  readonly max?: number;
  readonly pattern?: string;
  readonly members?: Readonly<Record<string, { readonly shape: string }>>;
  readonly member?: { readonly shape: string };
  readonly key?: { readonly shape: string };
  readonly value?: { readonly shape: string };
}

interface ServiceModel {
  readonly operations: Readonly<Record<string, { readonly input?: { readonly shape: string } }>>;
  readonly shapes: Readonly<Record<string, ModelShape>>;
}

/** Folders that are not named as the service. */
const FOLDERS: Readonly<Record<string, string>> = { states: 'stepfunctions', elasticloadbalancing: 'elbv2' };

/** `{events: {'PutRuleRequest.Name': {min: 1, max: 64, pattern: '…'}}}`; items of lists as `name[]`, keys and values of maps as `name{key}` and `name{value}`. */
function readConstraints(data: string): Record<string, Record<string, object>> {
  const all: Record<string, Record<string, object>> = {};
  for (const service of Object.keys(CLIENTS)) {
    const folder = join(data, FOLDERS[service] ?? service);
    if (!existsSync(folder)) throw new Error(`${folder} does not exist: give the folder "data" of botocore`);
    const newest = readdirSync(folder)
      .filter((one) => /^\d{4}-/.test(one))
      .sort()
      .at(-1)!;
    const file = join(folder, newest, 'service-2.json');
    const text = existsSync(file) ? readFileSync(file) : gunzipSync(readFileSync(`${file}.gz`));
    all[service] = constraintsOf(JSON.parse(text.toString('utf8')) as ServiceModel);
  }
  return all;
}

function constraintsOf({ operations, shapes }: ServiceModel): Record<string, object> {
  const found: Record<string, object> = {};
  const seen = new Set<string>();
  const note = (place: string, { type, min, max, pattern }: ModelShape) => {
    // A lower bound of nothing bounds no length.
    const low = min === 0 && type !== 'integer' && type !== 'long' ? undefined : min;
    if (low !== undefined || max !== undefined || pattern !== undefined)
      found[place] = {
        ...(low === undefined ? {} : { min: low }),
        ...(max === undefined ? {} : { max }),
        ...(pattern === undefined ? {} : { pattern }),
      };
  };
  const structure = (name: string): void => {
    if (seen.has(name)) return;
    seen.add(name);
    for (const [member, { shape }] of Object.entries(shapes[name]!.members ?? {})) visit(`${name}.${member}`, shape);
  };
  const visit = (place: string, name: string): void => {
    const shape = shapes[name]!;
    if (shape.type === 'structure') {
      structure(name);
      return;
    }
    note(place, shape);
    if (shape.type === 'list') visit(`${place}[]`, shape.member!.shape);
    if (shape.type === 'map') {
      visit(`${place}{key}`, shape.key!.shape);
      visit(`${place}{value}`, shape.value!.shape);
    }
  };
  for (const { input } of Object.values(operations)) if (input !== undefined) structure(input.shape);
  return Object.fromEntries(Object.entries(found).sort(([a], [b]) => (a < b ? -1 : 1)));
}

const [, , data] = process.argv;
if (data === undefined) throw new Error('usage: node local/core/protocols/constraints.write.ts <botocore/data>');
writeFileSync(new URL('constraints.json', import.meta.url), `${JSON.stringify(readConstraints(data), null, 1)}\n`);
