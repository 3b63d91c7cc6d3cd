/**
 * What a task on Fargate cannot have: every service of a pipeline runs there.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html
 */
import { containersOf, listOf, type Members, membersOf, type Refuse } from './members.ts';

export function refuseOffFargate(request: Members, refuse: Refuse): void {
  const { requiresCompatibilities, networkMode, pidMode, ipcMode, proxyConfiguration } = request;
  if (Array.isArray(requiresCompatibilities) && !requiresCompatibilities.includes('FARGATE'))
    refuse(
      'requiresCompatibilities',
      `services of a pipeline run on Fargate, and this names ${requiresCompatibilities.join(', ') || 'nothing'}; name FARGATE, or leave it out`,
    );
  if (typeof networkMode === 'string' && networkMode !== 'awsvpc' && networkMode !== '')
    refuse('networkMode', `Fargate has awsvpc alone, and no ${networkMode}; leave it out`);
  if (pidMode === 'host') refuse('pidMode', 'Fargate shows no processes of the host; leave it out, or take "task"');
  if (typeof ipcMode === 'string' && ipcMode !== '') refuse('ipcMode', 'Fargate shares no memory between processes this way; leave it out');
  if (listOf(request.placementConstraints).length > 0)
    refuse('placementConstraints', 'Fargate has no machines to choose from; leave it out');
  if (listOf(request.inferenceAccelerators).length > 0) refuse('inferenceAccelerators', 'Fargate has none; leave it out');
  if (proxyConfiguration !== undefined)
    refuse(
      'proxyConfiguration',
      'is for App Mesh, which AWS ended on 30 September 2026: its Envoy gets no configuration any more, and never becomes healthy; take it out with its container',
    );
  for (const [index, volume] of listOf(request.volumes).entries()) {
    if (membersOf(volume.host).sourcePath)
      refuse(`volumes[${index}]`, 'Fargate has no folders of a host; leave `sourcePath` out, and the volume is the task’s own');
    if (volume.dockerVolumeConfiguration !== undefined)
      refuse(`volumes[${index}]`, 'Fargate has no Docker volumes; leave `dockerVolumeConfiguration` out, and the volume is the task’s own');
    if (volume.fsxWindowsFileServerVolumeConfiguration !== undefined)
      refuse(`volumes[${index}]`, 'Fargate mounts no FSx for Windows File Server; mount EFS, or run it elsewhere');
  }
  for (const container of containersOf(request)) refuseOfContainer(container, container.at, refuse);
}

/** Members of a container that say nothing, or are refused, on Fargate or with awsvpc, and what to do. */
const NOT_THERE: Readonly<Record<string, string>> = {
  links: 'containers of a task reach each other at 127.0.0.1',
  hostname: 'with awsvpc ECS gives the name',
  disableNetworking: 'with awsvpc every container has the task’s network',
  dnsServers: 'with awsvpc the network says them',
  dnsSearchDomains: 'with awsvpc the network says them',
  extraHosts: 'with awsvpc names come from the network’s DNS',
  dockerSecurityOptions: 'Fargate isolates tasks by itself',
};

function refuseOfContainer(container: Members, at: string, refuse: Refuse): void {
  if (container.privileged) refuse(`${at}.privileged`, 'Fargate runs no privileged containers; leave it out');
  for (const [member, instead] of Object.entries(NOT_THERE)) {
    const value = container[member];
    const isSaid = Array.isArray(value) ? value.length > 0 : Boolean(value);
    if (isSaid) refuse(`${at}.${member}`, `Fargate has no such thing: ${instead}; leave it out`);
  }
  for (const [index, { type }] of listOf(container.resourceRequirements).entries())
    refuse(`${at}.resourceRequirements[${index}]`, `Fargate has no ${String(type)}; take it out, or run it elsewhere`);
  const linux = membersOf(container.linuxParameters);
  const added = listOf(membersOf(linux.capabilities).add).filter(({ value }) => value !== 'SYS_PTRACE');
  if (added.length > 0)
    refuse(
      `${at}.linuxParameters.capabilities`,
      `Fargate adds no capability but SYS_PTRACE, and this names ${added.map(({ value }) => String(value)).join(', ')}; leave them out`,
    );
  if (listOf(linux.devices).length > 0) refuse(`${at}.linuxParameters.devices`, 'Fargate has no devices of a host; leave them out');
  for (const member of ['sharedMemorySize', 'maxSwap', 'swappiness'])
    if (linux[member] !== undefined) refuse(`${at}.linuxParameters.${member}`, 'Fargate has no such setting; leave it out');
}
