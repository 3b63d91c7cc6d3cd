import { describe, expect, it } from 'vitest';
import { readJson, writeJson } from '../../../../local/core/protocols/json.ts';
import { modelOf } from '../../../../local/core/protocols/model.ts';

const inputOf = (service: string, operation: string) => modelOf(service)!.operations.get(operation)!.input;
const outputOf = (service: string, operation: string) => modelOf(service)!.operations.get(operation)!.output;

describe('a JSON body', () => {
  it('becomes what the SDK has: bytes and dates, at any depth', () => {
    const item = readJson(inputOf('dynamodb', 'PutItem'), '{"TableName":"t","Item":{"a":{"L":[{"B":"AQI="}]}}}', false);
    expect(item).toEqual({ TableName: 't', Item: { a: { L: [{ B: new Uint8Array([1, 2]) }] } } });
    const query = readJson(
      inputOf('cloudwatch', 'PutMetricData'),
      '{"Namespace":"n","MetricData":[{"MetricName":"m","Timestamp":1.5}]}',
      false,
    );
    expect(query).toEqual({ Namespace: 'n', MetricData: [{ MetricName: 'm', Timestamp: new Date(1500) }] });
  });

  it.each([
    ['whose values are the same in the SDK', 'ssm', 'GetParameters', '{"Names":["a"],"WithDecryption":null}', { Names: ['a'] }],
    [
      'whose values are not',
      'dynamodb',
      'GetItem',
      '{"TableName":"t","Key":{"a":{"S":"null","N":null}}}',
      { TableName: 't', Key: { a: { S: 'null' } } },
    ],
    ['with a member that nobody knows', 'ssm', 'GetParameters', '{"Names":["a"],"Other":null}', { Names: ['a'] }],
  ])('has no nulls for one %s', (_, service, operation, text, read) => {
    expect(readJson(inputOf(service, operation), text, false)).toEqual(read);
  });

  it('keeps what the schema does not know, for the check to name it, unless it may be ignored', () => {
    const text = '{"Names":["a"],"Other":{"b":1}}';
    expect(readJson(inputOf('ssm', 'GetParameters'), text, false)).toEqual({ Names: ['a'], Other: { b: 1 } });
    expect(readJson(inputOf('ssm', 'GetParameters'), text, true)).toEqual({ Names: ['a'] });
  });

  it('is written from values that stay as they are', () => {
    const bytes = new Uint8Array([1, 2]);
    const output = { Item: { a: { B: bytes }, b: { S: 'x' } }, ConsumedCapacity: undefined };
    expect(writeJson(outputOf('dynamodb', 'GetItem'), output)).toBe('{"Item":{"a":{"B":"AQI="},"b":{"S":"x"}}}');
    expect(output.Item.a.B).toBe(bytes);
    const described = { repositories: [{ repositoryName: 'r', createdAt: new Date(1500) }] };
    expect(writeJson(outputOf('ecr', 'DescribeRepositories'), described)).toBe('{"repositories":[{"repositoryName":"r","createdAt":1.5}]}');
    expect(described.repositories[0]!.createdAt).toEqual(new Date(1500));
  });
});
