// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders of CloudFormation.
import { describe, expect, it } from 'vitest';
import { references, resolve, type Scope } from '../../../local/cloudformation/intrinsics.ts';

const scope: Scope = {
  region: 'eu-central-1',
  ref: (name) => ({ Ship: 'ship-1', Count: 3, 'AWS::Region': 'eu-central-1' })[name],
  attribute: (logicalId, attribute) => `${logicalId}/${attribute}`,
  condition: (name) => name === 'Yes',
  imported: (name) => `import of ${name}`,
  mapped: (map, first, second) => `${map}.${first}.${second}`,
};

describe('intrinsic functions', () => {
  const cases: [what: string, value: unknown, result: unknown][] = [
    ['Ref', { Ref: 'Ship' }, 'ship-1'],
    ['GetAtt as a list', { 'Fn::GetAtt': ['Ship', 'Arn'] }, 'Ship/Arn'],
    ['GetAtt as text, with dots in the attribute', { 'Fn::GetAtt': 'Ship.Endpoint.Address' }, 'Ship/Endpoint.Address'],
    ['Sub with names, attributes and literals', { 'Fn::Sub': '${Ship} ${Ship.Arn} ${!Kept} ${Count}' }, 'ship-1 Ship/Arn ${Kept} 3'],
    ['Sub with values of its own', { 'Fn::Sub': ['${Own}-${Ship}', { Own: { Ref: 'Count' } }] }, '3-ship-1'],
    ['Join over functions', { 'Fn::Join': ['-', ['a', { Ref: 'Count' }, { Ref: 'Nothing' }]] }, 'a-3'],
    ['Select out of Split', { 'Fn::Select': ['1', { 'Fn::Split': ['.', 'a.b.c'] }] }, 'b'],
    ['If', { 'Fn::If': ['No', 'then', { Ref: 'Ship' }] }, 'ship-1'],
    [
      'And, Or, Not, Equals',
      { 'Fn::And': [{ Condition: 'Yes' }, { 'Fn::Or': [{ Condition: 'No' }, { 'Fn::Not': [{ 'Fn::Equals': ['3', '4'] }] }] }] },
      true,
    ],
    ['Equals compares text', { 'Fn::Equals': [{ Ref: 'Count' }, '3'] }, true],
    ['ImportValue', { 'Fn::ImportValue': { 'Fn::Sub': '${Ship}:x' } }, 'import of ship-1:x'],
    ['FindInMap', { 'Fn::FindInMap': ['Map', { Ref: 'AWS::Region' }, 'ami'] }, 'Map.eu-central-1.ami'],
    ['Base64', { 'Fn::Base64': 'hello' }, 'aGVsbG8='],
    ['Cidr', { 'Fn::Select': [2, { 'Fn::Cidr': ['10.0.0.0/16', 4, 8] }] }, '10.0.2.0/24'],
    ['GetAZs', { 'Fn::GetAZs': '' }, ['eu-central-1a', 'eu-central-1b', 'eu-central-1c']],
    [
      'the condition of a policy statement is no function',
      { Condition: { StringEquals: { a: 'b' } } },
      { Condition: { StringEquals: { a: 'b' } } },
    ],
    ['an object of one member that is no function', { Name: { Ref: 'Ship' } }, { Name: 'ship-1' }],
    ['values are left as they are', [1, true, null, 'x'], [1, true, null, 'x']],
  ];
  it.each(cases)('%s', (_what, value, result) => {
    expect(resolve(value, scope)).toEqual(result);
  });

  it.each([
    [{ 'Fn::Select': [5, ['a']] }, 'Fn::Select: no entry 5 in a list of 1'],
    [{ 'Fn::Join': ['-', [{ a: 1 }]] }, 'Fn::Join: expected text'],
    [{ 'Fn::Cidr': ['10.0.0.0/24', 4, 8] }, '10.0.0.0/24 does not hold 4 blocks of 256 addresses'],
    [{ 'Fn::GetAtt': 'Ship' }, 'Fn::GetAtt: no attribute in Ship'],
  ])('refuses %j', (value, message) => {
    expect(() => resolve(value, scope)).toThrow(message);
  });
});

describe('references', () => {
  it('finds every name, and only the branch that counts', () => {
    const value = {
      a: { Ref: 'A' },
      b: [{ 'Fn::GetAtt': 'B.Arn' }, { 'Fn::Sub': ['${C.Arn} ${Own} ${!Not}', { Own: { Ref: 'D' } }] }],
      c: { 'Fn::If': ['Yes', { Ref: 'E' }, { Ref: 'F' }] },
      d: { 'Fn::Join': ['', [{ Ref: 'G' }]] },
    };
    expect([...references(value, scope.condition)].sort()).toEqual(['A', 'B', 'C', 'D', 'E', 'G']);
  });
});
