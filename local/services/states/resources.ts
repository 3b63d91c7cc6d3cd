/** The CloudFormation resource types of Step Functions. */
import { readFileSync } from 'node:fs';
import { type CreatedResource, type ResourceContext, type ResourceType, ServiceError } from '../../core/service.ts';
import type { StatesAccount } from './account.ts';
import { INITIAL, type MachineType, type StateMachine } from './machine.ts';

interface MachineProperties {
  readonly StateMachineName?: string;
  readonly StateMachineType?: MachineType;
  readonly RoleArn: string;
  readonly DefinitionString?: string;
  readonly Definition?: object;
  readonly DefinitionS3Location?: { readonly Bucket: string; readonly Key: string };
  readonly DefinitionSubstitutions?: Readonly<Record<string, string | number | boolean>>;
  readonly LoggingConfiguration?: object;
  readonly TracingConfiguration?: object;
  readonly Tags?: readonly { readonly Key: string; readonly Value: string }[];
}

export function statesResources(states: StatesAccount): Readonly<Record<string, ResourceType>> {
  return {
    'AWS::StepFunctions::StateMachine': machineType(states),
    'AWS::StepFunctions::StateMachineVersion': versionType(states),
  };
}

/** The definition with `${Name}` filled from DefinitionSubstitutions, which CloudFormation does before the service sees it. */
function definitionOf(properties: MachineProperties, context: ResourceContext): string {
  const { DefinitionString, Definition, DefinitionS3Location, DefinitionSubstitutions = {} } = properties;
  const sources = [DefinitionString, Definition, DefinitionS3Location].filter((one) => one !== undefined);
  if (sources.length !== 1)
    throw new ServiceError(
      'InvalidRequest',
      `${context.logicalId}: exactly one of DefinitionString, Definition and DefinitionS3Location must be given`,
    );
  const text =
    DefinitionString ??
    (Definition === undefined
      ? readFileSync(context.asset(DefinitionS3Location!.Bucket, DefinitionS3Location!.Key), 'utf8')
      : JSON.stringify(Definition));
  return text.replace(/\$\{([A-Za-z0-9_.:-]+)\}/g, (written, name: string) => {
    const value = DefinitionSubstitutions[name];
    return value === undefined ? written : String(value);
  });
}

function machineType(states: StatesAccount): ResourceType<MachineProperties> {
  const finish = (machine: StateMachine, properties: MachineProperties): CreatedResource => {
    machine.tags = Object.fromEntries((properties.Tags ?? []).map(({ Key, Value }) => [Key, Value]));
    return {
      ref: machine.arn,
      attributes: { Arn: machine.arn, Name: machine.name, StateMachineRevisionId: machine.revision.revisionId ?? INITIAL },
    };
  };
  return {
    properties: [
      'StateMachineName',
      'StateMachineType',
      'RoleArn',
      'DefinitionString',
      'Definition',
      'DefinitionS3Location',
      'DefinitionSubstitutions',
      'Tags',
    ],
    inert: ['LoggingConfiguration', 'TracingConfiguration', 'EncryptionConfiguration'],
    create: (properties, context) =>
      finish(
        states.create({
          name: properties.StateMachineName ?? context.generatedName.slice(0, 80),
          type: properties.StateMachineType ?? 'STANDARD',
          definition: definitionOf(properties, context),
          roleArn: properties.RoleArn,
          logging: undefined,
          tracing: undefined,
        }),
        properties,
      ),
    update: (properties, before, context) => {
      const { machine } = states.find(before.ref);
      if (properties.StateMachineName !== undefined && properties.StateMachineName !== machine.name)
        throw new ServiceError(
          'InvalidRequest',
          `local AWS does not rename state machine ${machine.name}: give its resource another logical id`,
        );
      if ((properties.StateMachineType ?? 'STANDARD') !== machine.type)
        throw new ServiceError(
          'InvalidRequest',
          `local AWS does not change the type of ${machine.name}: give its resource another logical id`,
        );
      const definition = definitionOf(properties, context);
      if (definition !== machine.revision.definition || properties.RoleArn !== machine.revision.roleArn)
        states.update(machine, { definition, roleArn: properties.RoleArn });
      return finish(machine, properties);
    },
    delete: (before) => {
      const machine = states.machines.get(before.ref);
      if (machine !== undefined) states.delete(machine);
    },
  };
}

function versionType(states: StatesAccount): ResourceType {
  return {
    properties: ['StateMachineArn', 'StateMachineRevisionId', 'Description'],
    create: ({ StateMachineArn, StateMachineRevisionId, Description }) => {
      const { machine } = states.find(StateMachineArn);
      machine.checkRevision(StateMachineRevisionId);
      const arn = `${machine.arn}:${machine.publish(Description)}`;
      return { ref: arn, attributes: { Arn: arn } };
    },
    delete: (before) => {
      const [, machineArn, version] = /^(.+):(\d+)$/.exec(before.ref)!;
      states.machines.get(machineArn!)?.versions.delete(Number(version));
    },
  };
}
