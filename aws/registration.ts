/** Registering task definitions. Apart from `ecs.ts`, as one function does, and the shape of a definition is most of what ECS knows. */
import { RegisterTaskDefinitionCommand, type RegisterTaskDefinitionCommandInput } from '@aws-sdk/client-ecs';
import type { Ecs } from './ecs.ts';

/** @returns the revision's ARN */
export async function register({ client }: Pick<Ecs, 'client'>, request: RegisterTaskDefinitionCommandInput): Promise<string> {
  const { taskDefinition } = await client.send(new RegisterTaskDefinitionCommand(request));
  if (!taskDefinition?.taskDefinitionArn) throw new Error(`ECS registered ${request.family} and named no revision`);
  return taskDefinition.taskDefinitionArn;
}
