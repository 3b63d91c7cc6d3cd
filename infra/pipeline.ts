/** The stack of the pipeline itself: functions, workflows, tables, events, schedules. */
import { type App, CfnOutput, aws_lambda as lambda, Stack } from 'aws-cdk-lib';
import * as names from '../domain/pipeline/names.ts';
import { eventSources, required, ruleNames } from './events.ts';
import { stepFunctions } from './functions.ts';
import { pascal } from './names.ts';
import { peopleStatements } from './permissions.ts';
import type { Place } from './place.ts';
import { role } from './policy.ts';
import { schedules } from './schedules.ts';
import { storage } from './storage.ts';
import { workflows } from './workflows.ts';

/**
 * `<Pipeline>Pipeline`
 * @param folders of the bundled functions, by name
 * @param machines the folder of the .asl.json files
 */
export function pipelineStack(app: App, place: Place, folders: Readonly<Record<string, string>>, machines: string): Stack {
  const stack = new Stack(app, `${pascal(place.name)}Pipeline`, {
    env: { account: place.account, region: place.region },
    description: `Shiplock ${place.name}: the pipeline, ${place.pipeline.digest.slice(0, 19)}`,
  });
  const functions = stepFunctions(stack, place, folders);
  const stores = storage(stack, place, ruleNames(place));
  workflows(stack, place, machines, functions);
  eventSources(stack, place, functions, stores);
  schedules(stack, place, functions, stores);

  const decide = required(functions, 'decide').function;
  const url = new lambda.CfnUrl(stack, 'DecideUrl', { targetFunctionArn: decide.functionArn, authType: 'AWS_IAM' });
  role(
    stack,
    'PeopleRole',
    names.peopleRole(place.name),
    'People of the pipeline who have no single sign-on: decides and reads',
    {
      Principal: { AWS: `arn:aws:iam::${place.account}:root` },
      // A session bears its user's own name, so that a signature proves who it was.
      // biome-ignore lint/suspicious/noTemplateCurlyInString: a policy variable of IAM.
      Condition: { StringEquals: { 'sts:RoleSessionName': '${aws:username}' } },
    },
    peopleStatements(place),
  );
  new CfnOutput(stack, 'DecideAt', { value: url.attrFunctionUrl, description: 'Where decisions go, signed' });
  return stack;
}
