/** What `docker create` is told for a container of a task: values only. */
import type { ContainerDefinition } from '@aws-sdk/client-ecs';
import { isEcrImage } from '../../services/ecs/definition-rules.ts';
import type { ContainerSource } from '../../services/ecs/runtime.ts';
import type { Task } from '../../services/ecs/task.ts';

/** A task wants something that Fargate or a container engine here does not give. */
export class CannotCreate extends Error {}

/** On everything that is made in the engine: which local AWS it belongs to. */
export const FOLDER_LABEL = 'local-aws.folder';

/** Labels of what is made for a task. */
export const labelsOf = (folder: string, task: Task, container: string): Record<string, string> => ({
  [FOLDER_LABEL]: folder,
  // As ECS labels its containers.
  'com.amazonaws.ecs.cluster': task.settings.cluster,
  'com.amazonaws.ecs.container-name': container,
  'com.amazonaws.ecs.task-arn': task.settings.arn,
  'com.amazonaws.ecs.task-definition-family': task.settings.definition.family,
  'com.amazonaws.ecs.task-definition-version': String(task.settings.definition.revision),
});

export const labelWords = (labels: Readonly<Record<string, string>>): string[] =>
  Object.entries(labels).flatMap(([name, value]) => ['--label', `${name}=${value}`]);

/** As in `docker ps`, and unique: `ecs-acme-test-gateway-12-web-0f3c…`. */
export const nameOf = ({ settings }: Task, container: string): string =>
  `ecs-${settings.definition.family}-${settings.definition.revision}-${container}-${settings.id}`;

/** As engines name platforms. */
export const platformOf = ({ settings }: Task): string =>
  `linux/${settings.definition.value.runtimePlatform?.cpuArchitecture === 'ARM64' ? 'arm64' : 'amd64'}`;

/** Where the engine pulls it from. */
export const imageOf = ({ container, ecr }: ContainerSource, registry: string): string =>
  ecr === undefined || !isEcrImage(container.image) ? container.image : `${registry}/${ecr.repository}@${ecr.digest}`;

/** The names of the volumes of a task, by their names in its definition. @throws CannotCreate */
export function volumesOf({ settings }: Task): ReadonlyMap<string, string> {
  const volumes = new Map<string, string>();
  for (const { name = '', host, efsVolumeConfiguration, configuredAtLaunch, fsxWindowsFileServerVolumeConfiguration } of settings.definition
    .value.volumes ?? []) {
    if (host?.sourcePath || efsVolumeConfiguration || configuredAtLaunch || fsxWindowsFileServerVolumeConfiguration)
      throw new CannotCreate(
        `volume ${name}: containers here get volumes that live as long as their task, no EFS, EBS, FSx or folder of the host`,
      );
    volumes.set(name, `ecs-${settings.id}-${name}`);
  }
  return volumes;
}

/** The variables of a container, those of an override and secrets included. */
export function environmentOf(task: Task, { container, secrets }: ContainerSource, region: string): Record<string, string> {
  const pairs = [...(container.definition.environment ?? []), ...(overrideOf(task, container.definition)?.environment ?? [])];
  return {
    AWS_EXECUTION_ENV: 'AWS_ECS_FARGATE',
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    ...Object.fromEntries(pairs.map(({ name = '', value = '' }) => [name, value])),
    ...secrets,
  };
}

const overrideOf = ({ settings }: Task, { name }: ContainerDefinition) =>
  settings.overrides?.containerOverrides?.find((one) => one.name === name);

/**
 * All words after `docker create`.
 * @param place what only whoever starts it knows: the image, the container that holds the network, the file with the variables
 * @throws CannotCreate
 */
export function createWords(
  task: Task,
  { container: { definition } }: ContainerSource,
  place: { readonly folder: string; readonly image: string; readonly network: string; readonly environmentFile: string },
): string[] {
  const name = definition.name!;
  if (definition.environmentFiles?.length) throw new CannotCreate(`container ${name}: environmentFiles are not there`);
  const override = overrideOf(task, definition);
  const words: string[] = ['--name', nameOf(task, name), '--network', `container:${place.network}`, '--no-healthcheck'];
  const add = (option: string, value: string | number | undefined) => {
    if (value !== undefined && value !== '') words.push(option, String(value));
  };
  words.push(...labelWords({ ...definition.dockerLabels, ...labelsOf(place.folder, task, name) }));
  add('--env-file', place.environmentFile);
  add('--platform', platformOf(task));
  add('--user', definition.user);
  add('--workdir', definition.workingDirectory);
  add('--stop-timeout', definition.stopTimeout);
  const mebibytes = (value: number | undefined) => (value === undefined ? undefined : `${value}m`);
  add('--memory', mebibytes(override?.memory ?? definition.memory));
  add('--memory-reservation', mebibytes(override?.memoryReservation ?? definition.memoryReservation));
  add('--cpu-shares', (override?.cpu ?? definition.cpu) || undefined);
  for (const { name: limit, softLimit, hardLimit } of definition.ulimits ?? []) add('--ulimit', `${limit}=${softLimit}:${hardLimit}`);
  const { capabilities, initProcessEnabled, tmpfs = [] } = definition.linuxParameters ?? {};
  for (const one of capabilities?.add ?? []) {
    // The only one that Fargate takes; others would reach this machine.
    if (one !== 'SYS_PTRACE') throw new CannotCreate(`container ${name}: the capability ${one} is not given here, only SYS_PTRACE is`);
    add('--cap-add', one);
  }
  for (const one of capabilities?.drop ?? []) add('--cap-drop', one);
  for (const { containerPath, size, mountOptions = [] } of tmpfs)
    add('--tmpfs', `${containerPath}:${[`size=${size}m`, ...mountOptions].join(',')}`);
  for (const [isSet, option] of [
    [initProcessEnabled, '--init'],
    [definition.readonlyRootFilesystem, '--read-only'],
    [definition.interactive, '--interactive'],
    [definition.pseudoTerminal, '--tty'],
  ] as const)
    if (isSet) words.push(option);
  const volumes = volumesOf(task);
  for (const { sourceVolume = '', containerPath, readOnly } of definition.mountPoints ?? []) {
    const volume = volumes.get(sourceVolume);
    // The engine would take a path of this machine for a name.
    if (volume === undefined) throw new CannotCreate(`container ${name}: unknown volume '${sourceVolume}'`);
    add('--volume', `${volume}:${containerPath}${readOnly ? ':ro' : ''}`);
  }
  for (const { sourceContainer = '', readOnly } of definition.volumesFrom ?? [])
    add('--volumes-from', `${nameOf(task, sourceContainer)}${readOnly ? ':ro' : ''}`);
  const [entry, ...rest] = definition.entryPoint ?? [];
  add('--entrypoint', entry);
  return [...words, '--', place.image, ...rest, ...(override?.command ?? definition.command ?? [])];
}
