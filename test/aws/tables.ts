/** Makes a table as the pipeline's are: keys `pk` and `sk`, and an index by `gpk` and `gsk`. */
import { CreateTableCommand, DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';

const key = (one: string, two: string) => [
  { AttributeName: one, KeyType: 'HASH' as const },
  { AttributeName: two, KeyType: 'RANGE' as const },
];

export const createTable = (connection: DynamoDBClientConfig, name: string) =>
  new DynamoDBClient(connection).send(
    new CreateTableCommand({
      TableName: name,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: ['pk', 'sk', 'gpk', 'gsk'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
      KeySchema: key('pk', 'sk'),
      GlobalSecondaryIndexes: [{ IndexName: 'index', KeySchema: key('gpk', 'gsk'), Projection: { ProjectionType: 'ALL' } }],
    }),
  );
