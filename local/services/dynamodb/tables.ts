/** The tables of a site: making, finding, changing and deleting them. */
import type * as Api from '@aws-sdk/client-dynamodb';
import { type Operation, ServiceError } from '../../core/service.ts';
import type { Site } from '../../core/site.ts';
import { invalid } from './attribute.ts';
import { type IndexInput, readIndex, readSchema, type SchemaInput, type StreamView, type TableSchema } from './schema.ts';
import { Table, type TableSettings } from './table.ts';

/** How long CreateTable and DeleteTable take by the API, in milliseconds. CloudFormation waits for them. */
const TAKES = 6000;

/** What CreateTable and CloudFormation say about a table. */
export interface TableInput extends SchemaInput {
  readonly BillingMode?: string;
  readonly ProvisionedThroughput?: TableSettings['provisioned'];
  readonly StreamSpecification?: { readonly StreamEnabled?: boolean; readonly StreamViewType?: string };
  readonly DeletionProtectionEnabled?: boolean;
  readonly SSESpecification?: Api.SSESpecification;
  readonly PointInTimeRecoverySpecification?: Partial<Api.PointInTimeRecoverySpecification>;
  readonly Tags?: readonly { readonly Key?: string; readonly Value?: string }[];
}

interface Saved {
  readonly schema: TableSchema;
  readonly settings: TableSettings;
  readonly stream?: StreamView;
  readonly timeToLive?: string;
  readonly items: readonly unknown[];
}

export const notFound = (message = 'Requested resource not found') => new ServiceError('ResourceNotFoundException', message);

export class Tables {
  private readonly site: Site;
  private readonly tables = new Map<string, Table>();

  constructor(site: Site) {
    this.site = site;
  }

  private get now(): number {
    return this.site.world.clock.now();
  }

  /** A table that can be read and written. @throws ServiceError ResourceNotFoundException */
  use(nameOrArn: string | undefined): Table {
    const table = this.find(nameOrArn);
    if (table === undefined || table.activeAt > this.now || table.goneAt !== Number.POSITIVE_INFINITY) throw notFound();
    table.sweep();
    return table;
  }

  /** A table in whatever state. */
  find(nameOrArn: string | undefined): Table | undefined {
    const name = this.nameOf(nameOrArn);
    const table = this.tables.get(name);
    if (table !== undefined && table.goneAt <= this.now) {
      this.tables.delete(name);
      return undefined;
    }
    return table;
  }

  /** A table in whatever state. @throws ServiceError ResourceNotFoundException */
  get(nameOrArn: string | undefined): Table {
    const table = this.find(nameOrArn);
    if (table === undefined) throw notFound(`Requested resource not found: Table: ${this.nameOf(nameOrArn)} not found`);
    return table;
  }

  get all(): readonly Table[] {
    return [...this.tables.keys()].map((name) => this.find(name)).filter((table) => table !== undefined);
  }

  /** @param activeAt when it can be used, in milliseconds since the epoch; @default now */
  create(input: TableInput, activeAt = this.now): Table {
    const schema = readSchema(input);
    const billingMode = input.BillingMode ?? 'PROVISIONED';
    if (billingMode !== 'PAY_PER_REQUEST' && billingMode !== 'PROVISIONED') throw invalid(`Unknown BillingMode: ${billingMode}`);
    const provisioned = input.ProvisionedThroughput;
    if (billingMode === 'PROVISIONED' && provisioned === undefined)
      throw invalid(
        'One or more parameter values were invalid: ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED',
      );
    if (billingMode === 'PAY_PER_REQUEST' && provisioned !== undefined)
      throw invalid(
        'One or more parameter values were invalid: Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST',
      );
    if (this.find(schema.name) !== undefined) throw new ServiceError('ResourceInUseException', `Table already exists: ${schema.name}`);
    const settings: TableSettings = {
      billingMode,
      deletionProtection: input.DeletionProtectionEnabled ?? false,
      tags: tagRecord(input.Tags),
      ...(provisioned === undefined ? {} : { provisioned }),
    };
    const table = new Table(this.site, schema, settings, activeAt);
    this.encrypt(table, input.SSESpecification);
    this.recover(table, input.PointInTimeRecoverySpecification);
    this.stream(table, input.StreamSpecification);
    this.tables.set(schema.name, table);
    return table;
  }

  /** Encrypts by a key of AWS KMS, or by DynamoDB's own again. */
  encrypt(table: Table, specification: Api.SSESpecification | undefined): void {
    if (specification === undefined) return;
    const { Enabled, KMSMasterKeyId } = specification;
    if (Enabled !== true && KMSMasterKeyId !== undefined)
      throw invalid('One or more parameter values were invalid: KMSMasterKeyId can be specified only if SSE is enabled');
    if (Enabled !== true) delete table.settings.encryption;
    else if (KMSMasterKeyId !== undefined)
      table.settings.encryption = KMSMasterKeyId.startsWith('arn:') ? KMSMasterKeyId : this.site.arn('kms', `key/${KMSMasterKeyId}`);
    // The key that AWS keeps for DynamoDB in each account and Region.
    else table.settings.encryption ??= this.site.arn('kms', 'key/00000000-0000-4000-8000-00000000d1b0');
  }

  /** Switches point-in-time recovery on or off. @throws ServiceError ValidationException */
  recover(table: Table, specification: TableInput['PointInTimeRecoverySpecification']): void {
    if (specification === undefined) return;
    const { PointInTimeRecoveryEnabled: enabled, RecoveryPeriodInDays: days = table.settings.recovery?.days ?? 35 } = specification;
    if (days < 1 || days > 35) throw invalid('One or more parameter values were invalid: RecoveryPeriodInDays must be between 1 and 35');
    if (enabled !== true) delete table.settings.recovery;
    else table.settings.recovery = { since: table.settings.recovery?.since ?? this.now, days };
  }

  /** Starts, keeps or stops a table's stream. @throws ServiceError ValidationException */
  stream(table: Table, specification: TableInput['StreamSpecification']): void {
    const enabled = specification?.StreamEnabled ?? specification?.StreamViewType !== undefined;
    if (!enabled) {
      table.stream = undefined;
      return;
    }
    const view = specification?.StreamViewType;
    if (view !== 'NEW_IMAGE' && view !== 'OLD_IMAGE' && view !== 'NEW_AND_OLD_IMAGES' && view !== 'KEYS_ONLY')
      throw invalid('One or more parameter values were invalid: StreamViewType must be specified when StreamEnabled is true');
    if (table.stream?.view !== view) table.startStream(view);
  }

  /** @param goneAt when it stops to exist; @default now. @throws ServiceError ValidationException where it is protected */
  delete(table: Table, goneAt = this.now): void {
    if (table.settings.deletionProtection)
      throw invalid('Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.');
    table.goneAt = goneAt;
    if (goneAt <= this.now) this.tables.delete(table.schema.name);
  }

  addIndex(table: Table, input: IndexInput, definitions: SchemaInput['AttributeDefinitions']): void {
    const index = readIndex(input, 'global');
    const all = [...table.schema.indexes, index];
    table.addIndex(index, readSchema(schemaInput(table.schema, all, definitions)));
  }

  removeIndex(table: Table, name: string, definitions: SchemaInput['AttributeDefinitions']): void {
    if (!table.schema.indexes.some((index) => index.name === name && index.kind === 'global'))
      throw notFound(`Requested resource not found: Index: ${name} not found`);
    const left = table.schema.indexes.filter((index) => index.name !== name);
    table.removeIndex(name, readSchema(schemaInput(table.schema, left, definitions)));
  }

  save(): unknown {
    return this.all.map((table): Saved => {
      table.sweep();
      const { schema, settings, stream, timeToLive } = table;
      return {
        schema,
        settings,
        ...(stream === undefined ? {} : { stream: stream.view }),
        ...(timeToLive === undefined ? {} : { timeToLive }),
        items: table.save(),
      };
    });
  }

  /** Items of tables that exist already (made by a stack) are replaced; other tables are made. */
  load(saved: unknown): void {
    for (const { schema, settings, stream, timeToLive, items } of saved as readonly Saved[]) {
      let table = this.find(schema.name);
      if (table === undefined) {
        table = new Table(this.site, schema, { ...settings }, this.now);
        if (stream !== undefined) table.startStream(stream);
        table.timeToLive = timeToLive;
        this.tables.set(schema.name, table);
      }
      table.load(items);
    }
  }

  private nameOf(nameOrArn: string | undefined): string {
    if (nameOrArn === undefined)
      throw invalid("1 validation error detected: Value null at 'tableName' failed to satisfy constraint: Member must not be null");
    const prefix = this.site.arn('dynamodb', 'table/');
    if (nameOrArn.startsWith(prefix)) return nameOrArn.slice(prefix.length);
    if (nameOrArn.startsWith('arn:')) throw invalid(`local AWS knows no tables of another account or Region: ${nameOrArn}`);
    return nameOrArn;
  }
}

export const tagRecord = (tags: TableInput['Tags']) => Object.fromEntries((tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value]));

/** The schema with other indexes as CreateTable would have it; definitions that nothing uses any more are dropped. */
function schemaInput(schema: TableSchema, indexes: TableSchema['indexes'], definitions: SchemaInput['AttributeDefinitions']): SchemaInput {
  const used = new Set([schema, ...indexes].flatMap(({ hash, range }) => (range === undefined ? [hash] : [hash, range])));
  const types: Record<string, string | undefined> = {
    ...schema.types,
    ...Object.fromEntries((definitions ?? []).map((one) => [one.AttributeName ?? '', one.AttributeType])),
  };
  const kind = (wanted: 'global' | 'local') => indexes.filter((index) => index.kind === wanted).map(describeIndex);
  return {
    TableName: schema.name,
    AttributeDefinitions: Object.entries(types)
      .filter(([name]) => used.has(name))
      .map(([AttributeName, AttributeType]) => ({ AttributeName, AttributeType })),
    KeySchema: describeKey(schema),
    GlobalSecondaryIndexes: kind('global'),
    LocalSecondaryIndexes: kind('local'),
  };
}

const describeKey = ({ hash, range }: { readonly hash: string; readonly range?: string }): Api.KeySchemaElement[] => [
  { AttributeName: hash, KeyType: 'HASH' },
  ...(range === undefined ? [] : [{ AttributeName: range, KeyType: 'RANGE' } as const]),
];

const describeIndex = (index: TableSchema['indexes'][number]) => ({
  IndexName: index.name,
  KeySchema: describeKey(index),
  Projection: {
    ProjectionType: index.projection,
    ...(index.included.length === 0 ? {} : { NonKeyAttributes: [...index.included] }),
  },
});

/** On demand, what a new table is ready for: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/warm-throughput.html */
const WARM = { ReadUnitsPerSecond: 12_000, WriteUnitsPerSecond: 4000 };

/** What DescribeTable tells beyond the description that changes answer with. */
export function describeFully(table: Table, now: number): Api.TableDescription {
  const description = describeTable(table, now);
  if (description.TableStatus !== 'ACTIVE') return description;
  const { billingMode, provisioned } = table.settings;
  const onDemand = billingMode === 'PAY_PER_REQUEST';
  const warm = (own: TableSettings['provisioned']) => ({
    ...(onDemand ? WARM : { ReadUnitsPerSecond: own?.ReadCapacityUnits ?? 0, WriteUnitsPerSecond: own?.WriteCapacityUnits ?? 0 }),
    Status: 'ACTIVE' as const,
  });
  return {
    ...description,
    WarmThroughput: warm(provisioned),
    ...(onDemand ? { BillingModeSummary: { BillingMode: billingMode, LastUpdateToPayPerRequestDateTime: new Date(table.createdAt) } } : {}),
    ...(description.GlobalSecondaryIndexes === undefined
      ? {}
      : { GlobalSecondaryIndexes: description.GlobalSecondaryIndexes.map((index) => ({ ...index, WarmThroughput: warm(undefined) })) }),
  };
}

/** What remains to be told of a table that is going. */
function describeGoing(table: Table, now: number): Api.TableDescription {
  const { AttributeDefinitions: _a, KeySchema: _k, CreationDateTime: _c, ...left } = describeTable(table, now);
  return left;
}

function describeRecovery({ settings }: Table, now: number): Api.ContinuousBackupsDescription {
  const { recovery } = settings;
  return {
    ContinuousBackupsStatus: 'ENABLED',
    PointInTimeRecoveryDescription:
      recovery === undefined
        ? { PointInTimeRecoveryStatus: 'DISABLED' }
        : {
            PointInTimeRecoveryStatus: 'ENABLED',
            RecoveryPeriodInDays: recovery.days,
            EarliestRestorableDateTime: new Date(Math.max(recovery.since, now - recovery.days * 86_400_000)),
            // "Typically five minutes before the current time".
            LatestRestorableDateTime: new Date(Math.max(recovery.since, now - 300_000)),
          },
  };
}

/** TableDescription. */
export function describeTable(table: Table, now: number): Api.TableDescription {
  const { schema, settings, stream } = table;
  const status = table.goneAt !== Number.POSITIVE_INFINITY ? 'DELETING' : table.activeAt > now ? 'CREATING' : 'ACTIVE';
  const indexes = (kind: 'global' | 'local') =>
    schema.indexes
      .filter((index) => index.kind === kind)
      .map((index) => ({
        ...describeIndex(index),
        IndexArn: `${table.arn}/index/${index.name}`,
        ItemCount: table
          .ordering(index.name)!
          .scan()
          .reduce((count) => count + 1, 0),
        IndexSizeBytes: 0,
        ...(kind === 'global'
          ? {
              IndexStatus: status === 'ACTIVE' ? ('ACTIVE' as const) : ('CREATING' as const),
              ProvisionedThroughput: { NumberOfDecreasesToday: 0, ReadCapacityUnits: 0, WriteCapacityUnits: 0 },
            }
          : {}),
      }));
  const [globals, locals] = [indexes('global'), indexes('local')];
  return {
    TableName: schema.name,
    TableArn: table.arn,
    TableId: table.id,
    TableStatus: status,
    CreationDateTime: new Date(table.createdAt),
    AttributeDefinitions: Object.entries(schema.types).map(([AttributeName, AttributeType]) => ({ AttributeName, AttributeType })),
    KeySchema: describeKey(schema),
    ItemCount: table.count,
    TableSizeBytes: table.size,
    DeletionProtectionEnabled: settings.deletionProtection,
    ProvisionedThroughput: {
      NumberOfDecreasesToday: 0,
      ReadCapacityUnits: settings.provisioned?.ReadCapacityUnits ?? 0,
      WriteCapacityUnits: settings.provisioned?.WriteCapacityUnits ?? 0,
    },
    ...(settings.billingMode === 'PAY_PER_REQUEST' ? { BillingModeSummary: { BillingMode: settings.billingMode } } : {}),
    ...(settings.encryption === undefined
      ? {}
      : { SSEDescription: { Status: 'ENABLED' as const, SSEType: 'KMS' as const, KMSMasterKeyArn: settings.encryption } }),
    ...(globals.length === 0 ? {} : { GlobalSecondaryIndexes: globals }),
    ...(locals.length === 0 ? {} : { LocalSecondaryIndexes: locals }),
    ...(stream === undefined
      ? {}
      : {
          StreamSpecification: { StreamEnabled: true, StreamViewType: stream.view },
          LatestStreamArn: stream.arn,
          LatestStreamLabel: stream.label,
        }),
  };
}

/** @throws ServiceError TableNotFoundException */
function existing(tables: Tables, name: string | undefined): Table {
  const table = tables.find(name);
  if (table === undefined) throw new ServiceError('TableNotFoundException', `Table not found: ${name}`);
  return table;
}

/** The operations on tables rather than items. */
export function tableOperations(site: Site, tables: Tables): Readonly<Record<string, Operation>> {
  const arn = (nameOrArn: string | undefined) =>
    nameOrArn?.startsWith('arn:') === true ? nameOrArn : site.arn('dynamodb', `table/${nameOrArn ?? ''}`);
  const onTable = (action: string) => (input: { TableName?: string }) => [{ action: `dynamodb:${action}`, resource: arn(input.TableName) }];
  const onArn = (action: string) => (input: { ResourceArn?: string }) => [
    { action: `dynamodb:${action}`, resource: input.ResourceArn ?? '*' },
  ];
  const now = () => site.world.clock.now();
  return {
    CreateTable: {
      authorize: onTable('CreateTable'),
      handle: (input: Api.CreateTableInput): Api.CreateTableOutput => ({
        TableDescription: describeTable(tables.create(input, now() + TAKES), now()),
      }),
    },
    DescribeTable: {
      authorize: onTable('DescribeTable'),
      handle: (input: Api.DescribeTableInput): Api.DescribeTableOutput => {
        const table = tables.get(input.TableName);
        table.sweep();
        return { Table: describeFully(table, now()) };
      },
    },
    DeleteTable: {
      authorize: onTable('DeleteTable'),
      handle: (input: Api.DeleteTableInput): Api.DeleteTableOutput => {
        const table = tables.get(input.TableName);
        if (describeTable(table, now()).TableStatus !== 'ACTIVE')
          throw new ServiceError(
            'ResourceInUseException',
            `Attempt to change a resource which is still in use: Table is being ${table.activeAt > now() ? 'created' : 'deleted'}: ${table.schema.name}`,
          );
        tables.delete(table, now() + TAKES);
        return { TableDescription: describeGoing(table, now()) };
      },
    },
    UpdateTable: {
      authorize: onTable('UpdateTable'),
      handle: (input: Api.UpdateTableInput): Api.UpdateTableOutput => {
        const table = tables.use(input.TableName);
        if (input.DeletionProtectionEnabled !== undefined) table.settings.deletionProtection = input.DeletionProtectionEnabled;
        if (input.BillingMode !== undefined) table.settings.billingMode = input.BillingMode;
        if (input.ProvisionedThroughput !== undefined) table.settings.provisioned = input.ProvisionedThroughput;
        if (input.StreamSpecification !== undefined) {
          if (input.StreamSpecification.StreamEnabled === true && table.stream !== undefined)
            throw invalid(`Table already has an enabled stream: TableName: ${table.schema.name}`);
          tables.stream(table, input.StreamSpecification);
        }
        for (const change of input.GlobalSecondaryIndexUpdates ?? []) {
          if (change.Create !== undefined) tables.addIndex(table, change.Create, input.AttributeDefinitions);
          if (change.Delete?.IndexName !== undefined) tables.removeIndex(table, change.Delete.IndexName, input.AttributeDefinitions);
          if (change.Update !== undefined) throw invalid('local AWS knows no provisioned throughput of indexes');
        }
        const { SSEDescription: encrypted } = describeTable(table, now());
        tables.encrypt(table, input.SSESpecification);
        const description = describeTable(table, now());
        // A change of the key shows as under way in the answer.
        const SSEDescription = description.SSEDescription ?? encrypted;
        const changing = input.SSESpecification !== undefined && SSEDescription !== undefined;
        return {
          TableDescription: changing ? { ...description, SSEDescription: { ...SSEDescription, Status: 'UPDATING' } } : description,
        };
      },
    },
    ListTables: {
      // Knows no resource: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html
      authorize: () => [{ action: 'dynamodb:ListTables', resource: '*' }],
      handle: (input: Api.ListTablesInput): Api.ListTablesOutput => {
        const limit = input.Limit ?? 100;
        const { ExclusiveStartTableName: start } = input;
        const names = tables.all
          .map(({ schema }) => schema.name)
          .sort()
          .filter((name) => start === undefined || name > start);
        const page = names.slice(0, limit);
        return { TableNames: page, ...(names.length > limit ? { LastEvaluatedTableName: page.at(-1) } : {}) };
      },
    },
    DescribeTimeToLive: {
      authorize: onTable('DescribeTimeToLive'),
      handle: (input: Api.DescribeTimeToLiveInput): Api.DescribeTimeToLiveOutput => {
        const attribute = tables.get(input.TableName).timeToLive;
        return {
          TimeToLiveDescription:
            attribute === undefined ? { TimeToLiveStatus: 'DISABLED' } : { TimeToLiveStatus: 'ENABLED', AttributeName: attribute },
        };
      },
    },
    UpdateTimeToLive: {
      authorize: onTable('UpdateTimeToLive'),
      handle: (input: Api.UpdateTimeToLiveInput): Api.UpdateTimeToLiveOutput => {
        const table = tables.use(input.TableName);
        const { AttributeName, Enabled } = input.TimeToLiveSpecification ?? {};
        if (Enabled === (table.timeToLive !== undefined)) throw invalid(`TimeToLive is already ${Enabled ? 'enabled' : 'disabled'}`);
        table.timeToLive = Enabled ? AttributeName : undefined;
        return { TimeToLiveSpecification: input.TimeToLiveSpecification };
      },
    },
    DescribeContinuousBackups: {
      authorize: onTable('DescribeContinuousBackups'),
      handle: (input: Api.DescribeContinuousBackupsInput): Api.DescribeContinuousBackupsOutput => ({
        ContinuousBackupsDescription: describeRecovery(existing(tables, input.TableName), now()),
      }),
    },
    UpdateContinuousBackups: {
      authorize: onTable('UpdateContinuousBackups'),
      handle: (input: Api.UpdateContinuousBackupsInput): Api.UpdateContinuousBackupsOutput => {
        const table = existing(tables, input.TableName);
        tables.recover(table, input.PointInTimeRecoverySpecification);
        return { ContinuousBackupsDescription: describeRecovery(table, now()) };
      },
    },
    DescribeContributorInsights: {
      // Nobody switches them on here: UpdateContributorInsights is not implemented.
      authorize: (input: Api.DescribeContributorInsightsInput) => [
        {
          action: 'dynamodb:DescribeContributorInsights',
          resource: input.IndexName === undefined ? arn(input.TableName) : `${arn(input.TableName)}/index/${input.IndexName}`,
        },
      ],
      handle: (input: Api.DescribeContributorInsightsInput): Api.DescribeContributorInsightsOutput => ({
        TableName: tables.get(input.TableName).schema.name,
        ...(input.IndexName === undefined ? {} : { IndexName: input.IndexName }),
        ContributorInsightsStatus: 'DISABLED',
      }),
    },
    TagResource: {
      authorize: onArn('TagResource'),
      handle: (input: Api.TagResourceInput) => {
        const { settings } = tables.get(input.ResourceArn);
        settings.tags = { ...settings.tags, ...tagRecord(input.Tags) };
        return {};
      },
    },
    UntagResource: {
      authorize: onArn('UntagResource'),
      handle: (input: Api.UntagResourceInput) => {
        const { settings } = tables.get(input.ResourceArn);
        settings.tags = Object.fromEntries(Object.entries(settings.tags).filter(([name]) => !input.TagKeys?.includes(name)));
        return {};
      },
    },
    ListTagsOfResource: {
      authorize: onArn('ListTagsOfResource'),
      handle: (input: Api.ListTagsOfResourceInput): Api.ListTagsOfResourceOutput => ({
        Tags: Object.entries(tables.get(input.ResourceArn).settings.tags).map(([Key, Value]) => ({ Key, Value })),
      }),
    },
  };
}
