/** A world with one table, `ledger`, and a client that may do everything with it. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { type AccessKey, clientConfig } from '../../../../local/core/client.ts';
import { VirtualClock } from '../../../../local/core/clock.ts';
import { World } from '../../../../local/core/world.ts';
import { DynamoDb } from '../../../../local/services/dynamodb/index.ts';
import { Iam } from '../../../../local/services/iam.ts';

export const account = '111122223333';
export const region = 'eu-central-1';

export interface Lab {
  readonly clock: VirtualClock;
  readonly world: World;
  readonly dynamodb: DynamoDb;
  readonly client: DynamoDBClient;
  as(credentials: AccessKey): DynamoDBClient;
  /** Creates a table as CloudFormation does, ready at once. */
  table(properties: Record<string, unknown>, type?: string): { ref: string; attributes?: Readonly<Record<string, string>> };
}

/** Partition `pk`, sort key `sk`, both text; index `byStatus` on `status` and the number `at`. */
export const LEDGER = {
  TableName: 'ledger',
  BillingMode: 'PAY_PER_REQUEST',
  AttributeDefinitions: [
    { AttributeName: 'pk', AttributeType: 'S' },
    { AttributeName: 'sk', AttributeType: 'S' },
    { AttributeName: 'status', AttributeType: 'S' },
    { AttributeName: 'at', AttributeType: 'N' },
  ],
  KeySchema: [
    { AttributeName: 'pk', KeyType: 'HASH' },
    { AttributeName: 'sk', KeyType: 'RANGE' },
  ],
  GlobalSecondaryIndexes: [
    {
      IndexName: 'byStatus',
      KeySchema: [
        { AttributeName: 'status', KeyType: 'HASH' },
        { AttributeName: 'at', KeyType: 'RANGE' },
      ],
      Projection: { ProjectionType: 'ALL' },
    },
  ],
};

export function createLab(seed = 7): Lab {
  const clock = new VirtualClock(Date.parse('2026-11-23T08:00:00Z'));
  const world = new World(clock, { iam: (site) => new Iam(site), dynamodb: (site) => new DynamoDb(site) }, seed);
  const site = world.site(account, region);
  const dynamodb = site.service('dynamodb');
  const as = (credentials: AccessKey) => new DynamoDBClient(clientConfig(world, { region, credentials }));
  return {
    clock,
    world,
    dynamodb,
    as,
    client: as(site.service('iam').root()),
    table: (properties, type = 'AWS::DynamoDB::Table') =>
      dynamodb.resources[type]!.create(properties, {
        site,
        stackName: 'pipeline',
        logicalId: 'Table',
        generatedName: 'pipeline-Table-1A2B3C',
        asset: () => '',
      }) as never,
  };
}
