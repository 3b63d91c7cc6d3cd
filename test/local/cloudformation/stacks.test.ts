// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders of CloudFormation.
import { describe, expect, it } from 'vitest';
import { bootAssembly, deployAssembly, Stacks } from '../../../local/cloudformation/index.ts';
import { assembly, worldOfBoxes } from './boxes.ts';

const box = (properties: object = {}, attributes: object = {}) => ({ Type: 'Test::Box', Properties: properties, ...attributes });
const crate = (properties: object = {}, attributes: object = {}) => ({ Type: 'Test::Crate', Properties: properties, ...attributes });
const one = (Resources: object, more: object = {}) => assembly({ Ships: { Resources, ...more } });

describe('booting', () => {
  it('makes each resource after those it refers to, and those it waits for', async () => {
    const { world, boxes } = worldOfBoxes();
    const stacks = await bootAssembly(
      world,
      one({
        Last: box({ Name: 'last' }, { DependsOn: ['Third'] }),
        Third: box({ Name: 'third', Content: { 'Fn::GetAtt': ['Second', 'Arn'] } }),
        Second: box({ Name: 'second', Content: { 'Fn::Sub': 'in ${First}' } }),
        First: box({ Name: 'first', Content: { 'Fn::GetAtt': 'Inner.Lid.Color' } }),
        Inner: box({ Name: 'inner' }),
      }),
    );
    expect(boxes.log).toEqual(['create Inner', 'create First', 'create Second', 'create Third', 'create Last']);
    expect(Object.fromEntries(boxes.boxes)).toEqual({
      inner: undefined,
      first: 'green',
      second: 'in first',
      third: 'arn:aws:boxes:eu-central-1:111122223333:second',
      last: undefined,
    });
    expect(stacks.resources.map(({ logicalId, physicalId }) => `${logicalId}=${physicalId}`)).toContain('Third=third');
  });

  it('deploys stacks in order of their dependencies and hands exports on', async () => {
    const { world, boxes } = worldOfBoxes();
    const stacks = await bootAssembly(
      world,
      assembly({
        Lower: {
          Resources: { A: box({ Name: 'a' }) },
          Outputs: { Name: { Value: { Ref: 'A' }, Export: { Name: { 'Fn::Sub': '${AWS::StackName}:name' } } } },
        },
        Upper: { Resources: { B: box({ Name: 'b', Content: { 'Fn::ImportValue': 'Lower:name' } }) } },
      }),
    );
    expect(boxes.boxes.get('b')).toBe('a');
    expect(stacks.outputs('Lower')).toEqual({ Name: 'a' });
  });

  it('leaves out what a condition excludes, and values that come to nothing', async () => {
    const { world, boxes } = worldOfBoxes();
    await bootAssembly(
      world,
      one(
        {
          Here: box({
            Name: 'here',
            Content: { 'Fn::If': ['There', { Ref: 'There' }, { 'Fn::If': ['Home', 'home', { Ref: 'AWS::NoValue' }] }] },
          }),
          There: box({ Name: 'there' }, { Condition: 'There' }),
          Bare: box({ Name: 'bare', Content: { a: { Ref: 'AWS::NoValue' }, b: [{ Ref: 'AWS::NoValue' }, 1] } }),
        },
        {
          Parameters: { Place: { Type: 'String', Default: 'home' } },
          Conditions: { Home: { 'Fn::Equals': [{ Ref: 'Place' }, 'home'] }, There: { 'Fn::Not': [{ Condition: 'Home' }] } },
        },
      ),
    );
    expect(Object.fromEntries(boxes.boxes)).toEqual({ here: 'home', bare: { b: [1] } });
  });

  it('finds the folder of an asset by its bucket and key', async () => {
    const { world, boxes } = worldOfBoxes();
    const folder = assembly(
      { Ships: { Resources: { A: box({ Name: 'a', Code: { S3Bucket: { 'Fn::Sub': 'assets-${AWS::AccountId}' }, S3Key: 'abc.zip' } }) } } },
      { 'asset.abc': 'abc.zip' },
    );
    await bootAssembly(world, folder);
    expect(boxes.boxes.get('a')).toBe(`${folder}/asset.abc`);
  });

  it('makes inert types that others can refer to', async () => {
    const { world, boxes } = worldOfBoxes();
    await bootAssembly(
      world,
      one({
        Vpc: { Type: 'AWS::EC2::VPC', Properties: { CidrBlock: '10.0.0.0/16' } },
        A: box({ Name: 'a', Content: { 'Fn::Join': ['/', [{ Ref: 'Vpc' }, { 'Fn::GetAtt': ['Vpc', 'CidrBlock'] }]] } }),
      }),
    );
    expect(boxes.boxes.get('a')).toMatch(/^vpc-0[0-9a-f]{16}\/10\.0\.0\.0\/16$/);
  });

  it('accepts the bootstrap version that the CDK asks for', async () => {
    const { world } = worldOfBoxes();
    const Parameters = { BootstrapVersion: { Type: 'AWS::SSM::Parameter::Value<String>', Default: '/cdk-bootstrap/hnb659fds/version' } };
    await expect(bootAssembly(world, one({ A: box() }, { Parameters, Rules: { Check: {} } }))).resolves.toBeDefined();
  });
});

describe('a second deployment', () => {
  it('changes in place where the type can, and touches nothing else', async () => {
    const { world, boxes } = worldOfBoxes();
    const stacks = await bootAssembly(world, one({ A: box({ Name: 'a', Content: 1 }), B: box({ Name: 'b', Content: { Ref: 'A' } }) }));
    boxes.log.length = 0;
    const changes = await deployAssembly(stacks, one({ A: box({ Name: 'a', Content: 2 }), B: box({ Name: 'b', Content: { Ref: 'A' } }) }));
    expect(boxes.log).toEqual(['update A']);
    expect(changes).toEqual([{ stack: 'Ships', logicalId: 'A', type: 'Test::Box', change: 'updated' }]);
  });

  it('replaces where the type cannot, moves dependants over, and deletes the old one last', async () => {
    const { world, boxes } = worldOfBoxes();
    const template = (content: number) => one({ A: crate({ Content: content }), B: box({ Name: 'b', Content: { Ref: 'A' } }) });
    const stacks = await bootAssembly(world, template(1));
    const [old] = [...boxes.boxes.keys()];
    boxes.log.length = 0;
    await deployAssembly(stacks, template(2));
    expect(boxes.log).toEqual(['create A', 'update B', 'delete A']);
    expect(boxes.boxes.has(old!)).toBe(false);
    expect(boxes.boxes.get(String(boxes.boxes.get('b')))).toBe(2);
  });

  it('refuses to replace what has a name of its own, as AWS does', async () => {
    const { world } = worldOfBoxes();
    const stacks = await bootAssembly(world, one({ A: crate({ Name: 'a', Content: 1 }) }));
    await expect(deployAssembly(stacks, one({ A: crate({ Name: 'a', Content: 2 }) }))).rejects.toThrow(
      'stack Ships, A (Test::Crate): could not be created: BoxAlreadyExists: there is a box a',
    );
  });

  it('deletes what has left the template, last made first, and keeps what is retained', async () => {
    const { world, boxes } = worldOfBoxes();
    const stacks = await bootAssembly(
      world,
      one({
        A: box({ Name: 'a' }),
        B: box({ Name: 'b', Content: { Ref: 'A' } }),
        C: box({ Name: 'c' }, { DeletionPolicy: 'Retain' }),
        D: crate({ Content: 1 }, { UpdateReplacePolicy: 'Retain' }),
      }),
    );
    boxes.log.length = 0;
    const changes = await deployAssembly(stacks, one({ D: crate({ Content: 2 }, { UpdateReplacePolicy: 'Retain' }) }));
    expect(boxes.log).toEqual(['create D', 'delete B', 'delete A']);
    expect(boxes.boxes.has('c')).toBe(true);
    expect([...boxes.boxes.values()].filter((content) => content === 1 || content === 2)).toEqual([1, 2]);
    expect(changes.map(({ logicalId, change }) => `${logicalId} ${change}`)).toEqual(['D replaced', 'C kept', 'B deleted', 'A deleted']);
  });

  it('makes anew, under another name, what was retained when it left', async () => {
    const { world, boxes } = worldOfBoxes();
    const stacks = await bootAssembly(world, one({ A: crate({ Content: 1 }, { DeletionPolicy: 'Retain' }) }));
    await deployAssembly(stacks, one({}));
    await deployAssembly(stacks, one({ A: crate({ Content: 2 }) }));
    expect([...boxes.boxes.values()]).toEqual([1, 2]);
  });

  it('goes on after a restart from what was saved', async () => {
    const { world, boxes } = worldOfBoxes();
    const template = (content: number) => one({ A: box({ Name: 'a', Content: content }), B: box({ Name: 'b' }) });
    const stacks = await bootAssembly(world, template(1));
    const again = new Stacks(world);
    again.load(JSON.parse(JSON.stringify(stacks.save())));
    boxes.log.length = 0;
    await again.deploy(template(2));
    expect(boxes.log).toEqual(['update A']);
  });

  it('destroys a stack', async () => {
    const { world, boxes } = worldOfBoxes();
    const stacks = await bootAssembly(world, one({ A: box({ Name: 'a' }), B: box({ Name: 'b' }, { DeletionPolicy: 'Retain' }) }));
    await stacks.destroy('Ships');
    expect([...boxes.boxes.keys()]).toEqual(['b']);
    expect(stacks.resources).toEqual([]);
    await expect(stacks.destroy('Ships')).rejects.toThrow('stack Ships: there is no such stack');
  });
});

describe('refusals name the place and the way out', () => {
  const refused: [what: string, template: object, message: RegExp][] = [
    [
      'a type that nobody makes',
      { Resources: { A: { Type: 'Test::Ship' } } },
      /^stack Ships, A \(Test::Ship\): local AWS does not make this resource type;.*Leave it out/,
    ],
    [
      'a property that the type does not know',
      { Resources: { A: box({ Colour: 'red' }) } },
      /A \(Test::Box\): property Colour: local AWS does not implement it; it knows Code, Content, Name/,
    ],
    [
      'a reference to nothing',
      { Resources: { A: box({ Content: { Ref: 'Nobody' } }) } },
      /^stack Ships, A\.Content: refers to Nobody, which is neither/,
    ],
    [
      'an attribute that is not there',
      { Resources: { A: box({ Content: { 'Fn::GetAtt': ['B', 'Size'] } }), B: box() } },
      /A\.Content: Fn::GetAtt: B \(Test::Box\) has no attribute Size; local AWS knows Arn, Lid\.Color/,
    ],
    [
      'a function that is not implemented',
      { Resources: { A: box({ Content: { 'Fn::Transform': {} } }) } },
      /A\.Content: local AWS does not implement the function Fn::Transform/,
    ],
    ['a circle', { Resources: { A: box({ Content: { Ref: 'B' } }), B: box({}, { DependsOn: 'A' }) } }, /circular dependency: A → B → A/],
    [
      'a reference to what a condition excludes',
      {
        Conditions: { No: { 'Fn::Equals': ['a', 'b'] } },
        Resources: { A: box({ Content: { Ref: 'B' } }), B: box({}, { Condition: 'No' }) },
      },
      /A\.Content: refers to B, which is not made: its condition does not hold/,
    ],
    [
      'an export that nobody made',
      { Resources: { A: box({ Content: { 'Fn::ImportValue': 'x' } }) } },
      /A\.Content: No export named x found\./,
    ],
    ['a parameter without a value', { Parameters: { P: { Type: 'String' } }, Resources: {} }, /Parameters\.P: has no value and no default/],
    [
      'a section that is not read',
      { Transform: 'AWS::Serverless-2016-10-31', Resources: {} },
      /stack Ships, Transform: local AWS does not read this section/,
    ],
    [
      'an attribute of a resource that is not read',
      { Resources: { A: box({}, { CreationPolicy: {} }) } },
      /A: local AWS does not implement the resource attribute CreationPolicy/,
    ],
    [
      'an asset that is not in the assembly',
      { Resources: { A: box({ Code: { S3Bucket: 'b', S3Key: 'k' } }) } },
      /A: no asset of the assembly goes to s3:\/\/b\/k/,
    ],
  ];
  it.each(refused)('%s', async (_what, template, message) => {
    const { world } = worldOfBoxes();
    await expect(bootAssembly(world, assembly({ Ships: template }))).rejects.toThrow(message);
  });

  it('makes nothing of a stack with a type that nobody knows', async () => {
    const { world, boxes } = worldOfBoxes();
    await expect(bootAssembly(world, one({ A: box({ Name: 'a' }), B: { Type: 'Test::Ship' } }))).rejects.toThrow();
    expect(boxes.log).toEqual([]);
  });

  it('an assembly without a place', async () => {
    const { world } = worldOfBoxes();
    await expect(bootAssembly(world, '/nowhere')).rejects.toThrow('/nowhere holds no cloud assembly');
  });
});
