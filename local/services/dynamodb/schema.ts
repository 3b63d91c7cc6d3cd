/** The definition of a table: its keys, indexes and settings, checked as CreateTable checks them. */
import type { AttributeValue, Item } from './attribute.ts';
import { byteLength, has, invalid, toBase64, typeOf } from './attribute.ts';

export type KeyType = 'S' | 'N' | 'B';
export type StreamView = 'NEW_IMAGE' | 'OLD_IMAGE' | 'NEW_AND_OLD_IMAGES' | 'KEYS_ONLY';

export interface KeySchema {
  readonly hash: string;
  readonly range?: string;
}

export interface IndexSchema extends KeySchema {
  readonly name: string;
  readonly kind: 'global' | 'local';
  readonly projection: 'ALL' | 'KEYS_ONLY' | 'INCLUDE';
  readonly included: readonly string[];
}

export interface TableSchema extends KeySchema {
  readonly name: string;
  readonly types: Readonly<Record<string, KeyType>>;
  readonly indexes: readonly IndexSchema[];
}

/** The parts of CreateTable, of AWS::DynamoDB::Table and of a GlobalTable that make the schema. */
export interface SchemaInput {
  readonly TableName?: string;
  readonly AttributeDefinitions?: readonly { readonly AttributeName?: string; readonly AttributeType?: string }[];
  readonly KeySchema?: readonly { readonly AttributeName?: string; readonly KeyType?: string }[];
  readonly GlobalSecondaryIndexes?: readonly IndexInput[];
  readonly LocalSecondaryIndexes?: readonly IndexInput[];
}

export interface IndexInput {
  readonly IndexName?: string;
  readonly KeySchema?: SchemaInput['KeySchema'];
  readonly Projection?: { readonly ProjectionType?: string; readonly NonKeyAttributes?: readonly string[] };
}

const refuse = (message: string) => invalid(`One or more parameter values were invalid: ${message}`);

/** @throws ServiceError ValidationException */
export function readSchema(input: SchemaInput): TableSchema {
  const name = input.TableName ?? '';
  if (!/^[a-zA-Z0-9_.-]{3,255}$/.test(name))
    throw invalid(
      `1 validation error detected: Value '${name}' at 'tableName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+ and have length between 3 and 255`,
    );
  const types: Record<string, KeyType> = {};
  for (const { AttributeName = '', AttributeType } of input.AttributeDefinitions ?? []) {
    if (has(types, AttributeName)) throw refuse(`Duplicate AttributeName in AttributeDefinitions: ${AttributeName}`);
    if (AttributeType !== 'S' && AttributeType !== 'N' && AttributeType !== 'B')
      throw refuse(`Member must satisfy enum value set: [B, N, S]`);
    types[AttributeName] = AttributeType;
  }
  const key = readKey(input.KeySchema);
  const indexes = [
    ...(input.GlobalSecondaryIndexes ?? []).map((index) => readIndex(index, 'global')),
    ...(input.LocalSecondaryIndexes ?? []).map((index) => readIndex(index, 'local')),
  ];
  const names = indexes.map((index) => index.name);
  for (const [at, index] of names.entries()) if (names.indexOf(index) !== at) throw refuse(`Duplicate index name: ${index}`);
  for (const index of indexes)
    if (index.kind === 'local' && index.hash !== key.hash)
      throw refuse(`Index KeySchema does not have the same leading hash key as table KeySchema for index: ${index.name}`);
  requireDefinitions([key, ...indexes], types, indexes.length > 0);
  return { name, ...key, types, indexes };
}

function requireDefinitions(keys: readonly KeySchema[], types: Readonly<Record<string, KeyType>>, indexed: boolean): void {
  const used = new Set(keys.flatMap(({ hash, range }) => (range === undefined ? [hash] : [hash, range])));
  const defined = Object.keys(types);
  const missing = [...used].filter((attribute) => !has(types, attribute));
  if (missing.length > 0)
    throw refuse(
      `Some index key attributes are not defined in AttributeDefinitions. Keys: [${missing.join(', ')}], AttributeDefinitions: [${defined.join(', ')}]`,
    );
  if (defined.length === used.size) return;
  throw refuse(
    indexed
      ? `Some AttributeDefinitions are not used. AttributeDefinitions: [${defined.join(', ')}], keys used: [${[...used].join(', ')}]`
      : 'Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions',
  );
}

function readKey(input: SchemaInput['KeySchema']): KeySchema {
  const [first, second, ...more] = input ?? [];
  if (first?.AttributeName === undefined || first.KeyType !== 'HASH')
    throw refuse('Invalid KeySchema: The first KeySchemaElement is not a HASH key type');
  if (second !== undefined && second.KeyType !== 'RANGE')
    throw refuse('Invalid KeySchema: The second KeySchemaElement is not a RANGE key type');
  if (more.length > 0) throw refuse('KeySchema: local AWS knows one HASH and one RANGE attribute, no multi-attribute keys');
  return { hash: first.AttributeName, ...(second?.AttributeName === undefined ? {} : { range: second.AttributeName }) };
}

export function readIndex(input: IndexInput, kind: IndexSchema['kind']): IndexSchema {
  const projection = input.Projection?.ProjectionType;
  if (input.IndexName === undefined) throw refuse('IndexName is required');
  if (projection !== 'ALL' && projection !== 'KEYS_ONLY' && projection !== 'INCLUDE')
    throw refuse(`Unknown ProjectionType: ${projection ?? null}`);
  const included = input.Projection?.NonKeyAttributes ?? [];
  if (projection === 'INCLUDE' ? included.length === 0 : included.length > 0)
    throw refuse(
      `ProjectionType is ${projection}, ${projection === 'INCLUDE' ? 'but NonKeyAttributes is not specified' : 'but NonKeyAttributes is specified'}`,
    );
  return { name: input.IndexName, kind, ...readKey(input.KeySchema), projection, included };
}

/** The names of the key's attributes. */
export const keyNames = ({ hash, range }: KeySchema): readonly string[] => (range === undefined ? [hash] : [hash, range]);

/** Text that two key values share if, and only if, they are equal. */
export function keyText(value: AttributeValue): string {
  if ('S' in value) return `S${value.S}`;
  if ('N' in value) return `N${value.N}`;
  return 'B' in value ? `B${toBase64(value.B)}` : '';
}

/** The identity of an item within its table. */
export function itemId(schema: KeySchema, item: Item): string {
  const hash = keyText(item[schema.hash]!);
  return schema.range === undefined ? hash : `${hash.length}:${hash}${keyText(item[schema.range]!)}`;
}

/** @throws ServiceError ValidationException unless `key` holds the table's key and nothing else */
export function requireKey(schema: TableSchema, key: Item): void {
  const names = keyNames(schema);
  const fits =
    Object.keys(key).length === names.length && names.every((name) => has(key, name) && typeOf(key[name]!) === schema.types[name]);
  if (!fits) throw invalid('The provided key element does not match the schema');
  requireKeyValues(schema, key);
}

/** @throws ServiceError ValidationException unless the item can be stored in the table and its indexes */
export function requireStorable(schema: TableSchema, item: Item, how: 'put' | 'update'): void {
  for (const name of keyNames(schema)) {
    const value = has(item, name) ? item[name] : undefined;
    if (value === undefined) throw refuse(`Missing the key ${name} in the item`);
    if (typeOf(value) !== schema.types[name])
      throw refuse(`Type mismatch for key ${name} expected: ${schema.types[name]} actual: ${typeOf(value)}`);
  }
  requireKeyValues(schema, item);
  for (const index of schema.indexes)
    for (const name of keyNames(index)) {
      const value = has(item, name) ? item[name] : undefined;
      if (value === undefined) continue;
      if (typeOf(value) !== schema.types[name]) {
        if (how === 'update') throw invalid('The update expression attempted to update the secondary index key to unsupported type');
        throw refuse(
          `Type mismatch for Index Key ${name} Expected: ${schema.types[name]} Actual: ${typeOf(value)} IndexName: ${index.name}`,
        );
      }
      if (isEmpty(value))
        throw invalid(
          `One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty ${kindOf(value)} value. IndexName: ${index.name}, IndexKey: ${name}`,
        );
    }
}

/** https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-partition-sort-keys */
function requireKeyValues(schema: TableSchema, item: Item): void {
  for (const name of keyNames(schema)) {
    const value = item[name]!;
    if (isEmpty(value))
      throw invalid(
        `One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty ${kindOf(value)} value. Key: ${name}`,
      );
    const size = 'S' in value ? byteLength(value.S) : 'B' in value ? value.B.length : 0;
    if (name === schema.hash && size > 2048) throw refuse('Size of hashkey has exceeded the maximum size limit of2048 bytes');
    if (name === schema.range && size > 1024) throw refuse('Aggregated size of all range keys has exceeded the size limit of 1024 bytes');
  }
}

const isEmpty = (value: AttributeValue) => ('S' in value && value.S === '') || ('B' in value && value.B.length === 0);
const kindOf = (value: AttributeValue) => ('B' in value ? 'binary' : 'string');

/** Whether an index holds this item: it has all of the index's key attributes. */
export const isIndexed = (index: KeySchema, item: Item) => keyNames(index).every((name) => has(item, name));

/** What of an item an index carries. */
export function projected(schema: TableSchema, index: IndexSchema, item: Item): Item {
  if (index.projection === 'ALL') return item;
  const names = new Set([...keyNames(schema), ...keyNames(index), ...index.included]);
  return Object.fromEntries(Object.entries(item).filter(([name]) => names.has(name)));
}

/** The attributes of an item's key, for LastEvaluatedKey, Keys of a stream record and the like. */
export function keyOf(item: Item, ...schemas: readonly KeySchema[]): Item {
  return Object.fromEntries([...new Set(schemas.flatMap(keyNames))].map((name) => [name, item[name]!]));
}
