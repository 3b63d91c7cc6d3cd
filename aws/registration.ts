/** Registering task definitions. Apart from `ecs.ts`, as one function does, and the shape of a definition is most of what ECS knows. */
import { RegisterTaskDefinitionCommand, type RegisterTaskDefinitionCommandInput } from '@aws-sdk/client-ecs';
import { PromotionRefused } from '../domain/workflow/errors.ts';
import { type Ecs, isRefusal } from './ecs.ts';

/** @returns the revision's ARN @throws PromotionRefused with ECS's own sentence, where it does not take the definition as it is configured */
export async function register({ client }: Pick<Ecs, 'client'>, request: RegisterTaskDefinitionCommandInput): Promise<string> {
  const { taskDefinition } = await client.send(new RegisterTaskDefinitionCommand(request)).catch((error: Error) => {
    throw isRefusal(error) ? new PromotionRefused(`ECS does not take the task definition ${request.family}: ${error.message}`) : error;
  });
  if (!taskDefinition?.taskDefinitionArn) throw new Error(`ECS registered ${request.family} and named no revision`);
  return taskDefinition.taskDefinitionArn;
}
