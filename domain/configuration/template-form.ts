/** What a file holds that should be a task definition and is none: people bring what other tools write. */
import { isMembers } from '../task-definition/members.ts';

const AS_REGISTERED = 'write it as RegisterTaskDefinition takes it';

/** In words, with the way out. */
export function formOf(content: unknown): string {
  if (Array.isArray(content))
    return content.some((one) => isMembers(one) && typeof one.name === 'string')
      ? 'is a list of container definitions, as aws_ecs_task_definition of Terraform takes it; put it into {"containerDefinitions": […]}, with cpu and memory beside it'
      : `is a list; ${AS_REGISTERED}`;
  if (!isMembers(content)) return `has no containerDefinitions; ${AS_REGISTERED}`;
  if (isMembers(content.taskDefinition) && Array.isArray(content.taskDefinition.containerDefinitions))
    return 'is the answer of describe-task-definition, whose task definition is in its member taskDefinition; `shiplock export` makes a template of it';
  if (Array.isArray(content.ContainerDefinitions))
    return 'has the properties of AWS::ECS::TaskDefinition in CloudFormation (ContainerDefinitions, Cpu); RegisterTaskDefinition writes containerDefinitions and cpu, and knows no functions: `shiplock export` makes a template of what the stack registered';
  return `has no containerDefinitions; ${AS_REGISTERED}`;
}
