/** The state machines: statemachines/*.asl.json as they are, with names filled in by CloudFormation, and roles made from what they name. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Stack, aws_stepfunctions as sfn } from 'aws-cdk-lib';
import * as names from '../domain/pipeline/names.ts';
import type { StepFunction } from './functions.ts';
import { pascal, workflowRole } from './names.ts';
import type { Place } from './place.ts';
import { role, type Statement, serviceOf } from './policy.ts';

const WORKFLOWS: readonly names.Workflow[] = ['release', 'promotion', 'wake', 'teardown'];

/** @param folder of the .asl.json files @throws Error for a placeholder that stands for nothing, or an integration that has no grant here */
export function workflows(stack: Stack, place: Place, folder: string, functions: ReadonlyMap<string, StepFunction>): void {
  for (const workflow of WORKFLOWS) {
    const file = join(folder, `${workflow}.asl.json`);
    const definition = readFileSync(file, 'utf8');
    const parts = placeholders(place, file, definition, functions);
    const id = pascal(workflow);
    const ownRole = role(
      stack,
      `${id}MachineRole`,
      workflowRole(place.name, workflow),
      `Step Functions runs statemachines/${workflow}.asl.json with it`,
      serviceOf('states', place.account),
      statements(place, file, definition, parts.files),
    );
    const machine = new sfn.CfnStateMachine(stack, `${id}Machine`, {
      stateMachineName: names.stateMachineName(place.name, workflow),
      stateMachineType: 'STANDARD',
      // White space counts towards the megabyte, and the console formats it again.
      definitionString: JSON.stringify(JSON.parse(definition)),
      definitionSubstitutions: parts.substitutions,
      roleArn: ownRole.attrArn,
    });
    machine.addResourceDependency(ownRole);
  }
}

interface Placeholders {
  readonly substitutions: Readonly<Record<string, string>>;
  /** The functions that the workflow calls. */
  readonly files: readonly string[];
}

function placeholders(place: Place, file: string, definition: string, functions: ReadonlyMap<string, StepFunction>): Placeholders {
  const byName = new Map([...functions.values()].map((step) => [pascal(step.file), step]));
  const substitutions: Record<string, string> = {};
  const files: string[] = [];
  for (const name of new Set([...definition.matchAll(/\$\{(\w+)\}/g)].map(([, inside = '']) => inside))) {
    const step = byName.get(name);
    const machine = WORKFLOWS.find((workflow) => `${pascal(workflow)}Machine` === name);
    if (step !== undefined) {
      substitutions[name] = step.versionArn;
      files.push(step.file);
    } else if (machine !== undefined) substitutions[name] = place.machineArn(machine);
    else if (name === 'Pipeline') substitutions[name] = place.name;
    else if (name === 'Account') substitutions[name] = place.account;
    else if (name === 'Region') substitutions[name] = place.region;
    else throw new Error(`${file}: \${${name}} is neither a function (${[...byName.keys()].join(', ')}) nor a workflow (PromotionMachine)`);
  }
  return { substitutions, files };
}

/** What the integrations that a workflow uses need. https://docs.aws.amazon.com/step-functions/latest/dg/service-integration-iam-templates.html */
function statements(place: Place, file: string, definition: string, files: readonly string[]): Statement[] {
  const found: Statement[] = [];
  for (const resource of new Set([...definition.matchAll(/"Resource"\s*:\s*"(arn:aws:states:::[^"]+)"/g)].map(([, arn = '']) => arn))) {
    switch (resource.replace('arn:aws:states:::', '')) {
      case 'lambda:invoke':
      case 'lambda:invoke.waitForTaskToken':
        break;
      case 'states:startExecution.sync:2':
        found.push(
          { Sid: 'StartPromotions', Action: ['states:StartExecution'], Resource: place.machineArn('promotion') },
          {
            Sid: 'FollowPromotions',
            Action: ['states:DescribeExecution', 'states:StopExecution'],
            Resource: place.executionsArn('promotion'),
          },
          managedRule(place, 'HearOfPromotions', 'StepFunctionsGetEventsForStepFunctionsExecutionRule'),
        );
        break;
      case 'codebuild:startBuild.sync':
        found.push(
          {
            Sid: 'RunBuilds',
            Action: ['codebuild:StartBuild', 'codebuild:StopBuild', 'codebuild:BatchGetBuilds'],
            Resource: place.environments.flatMap(({ name, verification }) =>
              verification.build === undefined
                ? []
                : [place.arn('codebuild', `project/${names.buildProject(place.name, name, verification.build)}`)],
            ),
          },
          managedRule(place, 'HearOfBuilds', 'StepFunctionsGetEventForCodeBuildStartBuildRule'),
        );
        break;
      default:
        throw new Error(`${file}: infra/workflows.ts does not know what ${resource} needs`);
    }
  }
  // Any version: an execution that began before a deployment still calls the older one.
  const versions = files.map((name) => `${place.functionArn(name)}:*`);
  return [
    { Sid: 'CallSteps', Action: ['lambda:InvokeFunction'], Resource: versions },
    ...found.filter(({ Resource }) => Resource.length > 0),
  ];
}

const managedRule = (place: Place, sid: string, rule: string): Statement => ({
  Sid: sid,
  Action: ['events:PutTargets', 'events:PutRule', 'events:DescribeRule'],
  Resource: place.arn('events', `rule/${rule}`),
});
