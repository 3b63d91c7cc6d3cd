/** How CloudFormation makes DynamoDB tables: AWS::DynamoDB::Table, and the GlobalTable that CDK's TableV2 becomes. */
import { type CreatedResource, type ResourceContext, type ResourceType, ServiceError } from '../../core/service.ts';
import type { Table } from './table.ts';
import { type TableInput, type Tables, tagRecord } from './tables.ts';

interface TableProperties extends Omit<TableInput, 'SSESpecification' | 'PointInTimeRecoverySpecification'> {
  readonly SSESpecification?: { readonly SSEEnabled?: boolean | string; readonly KMSMasterKeyId?: string };
  readonly PointInTimeRecoverySpecification?: {
    readonly PointInTimeRecoveryEnabled?: boolean | string;
    readonly RecoveryPeriodInDays?: number | string;
  };
  readonly TimeToLiveSpecification?: { readonly AttributeName?: string; readonly Enabled?: boolean | string };
}

interface GlobalTableProperties extends Omit<TableProperties, 'DeletionProtectionEnabled' | 'Tags' | 'PointInTimeRecoverySpecification'> {
  readonly Replicas: readonly {
    readonly Region: string;
    readonly DeletionProtectionEnabled?: boolean;
    readonly PointInTimeRecoverySpecification?: TableProperties['PointInTimeRecoverySpecification'];
    readonly Tags?: TableInput['Tags'];
  }[];
}

const SHARED = [
  'TableName',
  'AttributeDefinitions',
  'KeySchema',
  'GlobalSecondaryIndexes',
  'LocalSecondaryIndexes',
  'BillingMode',
  'StreamSpecification',
  'TimeToLiveSpecification',
  'SSESpecification',
];

/** The resource types, for `DynamoDb.resources`. */
export function dynamoDbResources(tables: Tables): Readonly<Record<string, ResourceType>> {
  const remove = (before: CreatedResource) => {
    const table = tables.find(before.ref);
    if (table !== undefined) tables.delete(table);
  };
  const table: ResourceType<TableProperties> = {
    properties: [...SHARED, 'ProvisionedThroughput', 'DeletionProtectionEnabled', 'PointInTimeRecoverySpecification', 'Tags'],
    inert: ['TableClass', 'ContributorInsightsSpecification', 'OnDemandThroughput', 'WarmThroughput'],
    create: (properties, context) => created(make(tables, properties, context)),
    update: (properties, before) => created(change(tables, properties, before)),
    delete: remove,
  };
  const globalTable: ResourceType<GlobalTableProperties> = {
    properties: [...SHARED, 'Replicas'],
    inert: [
      'WriteProvisionedThroughputSettings',
      'WriteOnDemandThroughputSettings',
      'ReadOnDemandThroughputSettings',
      'WarmThroughput',
      'MultiRegionConsistency',
    ],
    create: (properties, context) => created(make(tables, fromReplica(properties, context), context)),
    update: (properties, before, context) => created(change(tables, fromReplica(properties, context), before)),
    delete: remove,
  };
  return { 'AWS::DynamoDB::Table': table, 'AWS::DynamoDB::GlobalTable': globalTable };
}

/** The one replica that a global table has here, as properties of a table. */
function fromReplica(properties: GlobalTableProperties, context: ResourceContext): TableProperties {
  const { Replicas, ...shared } = properties;
  const [replica, ...others] = Replicas;
  if (replica?.Region !== context.site.region || others.length > 0)
    throw new ServiceError(
      'ValidationException',
      `local AWS replicates no tables: ${context.logicalId} must have one replica, in ${context.site.region}`,
    );
  // A replica is kept in step by its stream, but StreamSpecification is what makes it visible.
  const { DeletionProtectionEnabled, PointInTimeRecoverySpecification, Tags } = replica;
  return { ...shared, DeletionProtectionEnabled, PointInTimeRecoverySpecification, Tags };
}

function make(tables: Tables, properties: TableProperties, context: ResourceContext): Table {
  const { SSESpecification: _sse, PointInTimeRecoverySpecification: _recovery, ...rest } = properties;
  const table = tables.create({
    ...rest,
    TableName: properties.TableName ?? context.generatedName,
    BillingMode: properties.BillingMode ?? 'PROVISIONED',
    DeletionProtectionEnabled: isTrue(properties.DeletionProtectionEnabled),
  });
  expire(table, properties);
  protect(tables, table, properties);
  return table;
}

function change(tables: Tables, properties: TableProperties, before: CreatedResource): Table {
  const table = tables.get(before.ref);
  const { schema, settings } = table;
  const [hash, range] = properties.KeySchema ?? [];
  if (hash?.AttributeName !== schema.hash || range?.AttributeName !== schema.range || (properties.TableName ?? schema.name) !== schema.name)
    throw new ServiceError(
      'ValidationError',
      `CloudFormation cannot update a stack when a custom-named resource requires replacing: table ${schema.name}`,
    );
  settings.deletionProtection = isTrue(properties.DeletionProtectionEnabled);
  settings.billingMode = properties.BillingMode === 'PAY_PER_REQUEST' ? 'PAY_PER_REQUEST' : 'PROVISIONED';
  settings.tags = tagRecord(properties.Tags);
  const wanted = properties.GlobalSecondaryIndexes ?? [];
  const kept = new Set(wanted.map(({ IndexName }) => IndexName));
  for (const index of schema.indexes)
    if (index.kind === 'global' && !kept.has(index.name)) tables.removeIndex(table, index.name, properties.AttributeDefinitions);
  for (const index of wanted)
    if (!table.schema.indexes.some(({ name }) => name === index.IndexName)) tables.addIndex(table, index, properties.AttributeDefinitions);
  tables.stream(table, properties.StreamSpecification);
  expire(table, properties);
  protect(tables, table, properties);
  return table;
}

/** Encryption and recovery, which go back to their defaults where a template no longer speaks of them. */
function protect(tables: Tables, table: Table, properties: TableProperties): void {
  const { SSESpecification: sse = {}, PointInTimeRecoverySpecification: recovery = {} } = properties;
  tables.encrypt(table, { Enabled: isTrue(sse.SSEEnabled), KMSMasterKeyId: sse.KMSMasterKeyId });
  tables.recover(table, {
    PointInTimeRecoveryEnabled: isTrue(recovery.PointInTimeRecoveryEnabled),
    ...(recovery.RecoveryPeriodInDays === undefined ? {} : { RecoveryPeriodInDays: Number(recovery.RecoveryPeriodInDays) }),
  });
}

function expire(table: Table, { TimeToLiveSpecification: specification }: TableProperties): void {
  const attribute = specification !== undefined && isTrue(specification.Enabled) ? specification.AttributeName : undefined;
  if (attribute !== table.timeToLive) table.timeToLive = attribute;
}

/** Templates may hold booleans as text. */
const isTrue = (value: unknown) => value === true || value === 'true';

function created(table: Table): CreatedResource {
  return {
    ref: table.schema.name,
    attributes: { Arn: table.arn, TableId: table.id, ...(table.stream === undefined ? {} : { StreamArn: table.stream.arn }) },
  };
}
