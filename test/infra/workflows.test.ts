import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { beforeAll, describe, expect, it } from 'vitest';
import { addStacks } from '../../infra/stacks.ts';
import { emptyFunctions, environment, pipeline, Synthesis } from './pipelines.ts';

const machines = join(dirname(dirname(import.meta.dirname)), 'statemachines');
const value = pipeline({ environments: [environment('test', { verification: { http: [], build: 'system-tests' } }), environment('live')] });
const home = 'eu-central-1:111122223333';

let synthesis: Synthesis;
beforeAll(async () => {
  synthesis = await Synthesis.of(value);
});

const machine = (name: string) =>
  synthesis.one('AcmePipeline', 'AWS::StepFunctions::StateMachine', { StateMachineName: `acme-${name}` }).Properties;
const statements = (name: string): { Sid: string; Action: string[]; Resource: string | string[] }[] =>
  synthesis.one('AcmePipeline', 'AWS::IAM::Role', { RoleName: `acme-workflow-${name}` }).Properties.Policies[0].PolicyDocument.Statement;

describe('state machines', () => {
  it.each(['release', 'promotion', 'wake', 'teardown'])('%s has the definition of its file, with a value for every name in it', (name) => {
    const file = readFileSync(join(machines, `${name}.asl.json`), 'utf8');
    const { DefinitionString, DefinitionSubstitutions } = machine(name);
    expect(JSON.parse(DefinitionString)).toEqual(JSON.parse(file));
    const asked = new Set([...file.matchAll(/\$\{(\w+)\}/g)].map(([, inside]) => inside));
    expect(new Set(Object.keys(DefinitionSubstitutions))).toEqual(asked);
  });

  it('call published versions of functions, and the promotion machine by name', () => {
    const { DefinitionSubstitutions } = machine('release');
    const versions = synthesis.resources('AcmePipeline');
    expect(versions[DefinitionSubstitutions.AdmitRelease.Ref]?.Type).toBe('AWS::Lambda::Version');
    expect(DefinitionSubstitutions.PromotionMachine).toBe(`arn:aws:states:${home}:stateMachine:acme-promotion`);
  });

  it('may call the functions that they name, in any version, and no others', () => {
    expect(statements('wake')).toEqual([
      {
        Sid: 'CallSteps',
        Effect: 'Allow',
        Action: ['lambda:InvokeFunction'],
        Resource: [`arn:aws:lambda:${home}:function:acme-wake-environment:*`],
      },
    ]);
    expect(statements('release').find(({ Sid }) => Sid === 'CallSteps')?.Resource).toEqual(
      ['admit-release', 'request-approval', 'complete-release'].map((file) => `arn:aws:lambda:${home}:function:acme-${file}:*`),
    );
  });

  it('may run the builds of the pipeline, and hear of their end', () => {
    const [, builds, rule] = statements('promotion');
    expect(builds?.Resource).toEqual([`arn:aws:codebuild:${home}:project/acme-test-system-tests`]);
    expect(rule?.Resource).toBe(`arn:aws:events:${home}:rule/StepFunctionsGetEventForCodeBuildStartBuildRule`);
  });

  const withRelease = async (change: (definition: string) => string) => {
    const folder = mkdtempSync(join(tmpdir(), 'machines-'));
    for (const file of readdirSync(machines)) writeFileSync(join(folder, file), readFileSync(join(machines, file)));
    writeFileSync(join(folder, 'release.asl.json'), change(readFileSync(join(machines, 'release.asl.json'), 'utf8')));
    const outdir = mkdtempSync(join(tmpdir(), 'assembly-'));
    try {
      await addStacks(new App({ outdir }), value, emptyFunctions(), folder);
    } finally {
      rmSync(outdir, { recursive: true });
    }
  };

  it('are refused with a name that stands for nothing', async () => {
    await expect(withRelease((text) => text.replace(/\$\{AdmitRelease\}/g, ['$', '{AdmitRelaese}'].join('')))).rejects.toThrow(
      /release\.asl\.json: \$\{AdmitRelaese\} is neither a function .*AdmitRelease.* nor a workflow/,
    );
  });

  it('are refused with an integration whose permissions nobody wrote down', async () => {
    await expect(withRelease((text) => text.replace('states:startExecution.sync:2', 'sqs:sendMessage'))).rejects.toThrow(
      'infra/workflows.ts does not know what arn:aws:states:::sqs:sendMessage needs',
    );
  });
});
