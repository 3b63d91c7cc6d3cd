/** Volumes of a task, and where containers mount them. https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_data_volumes.html */
import { containersOf, listOf, type Members, type Refuse } from './members.ts';
import { unknownName } from './names.ts';

const KINDS = [
  'host',
  'dockerVolumeConfiguration',
  'efsVolumeConfiguration',
  's3filesVolumeConfiguration',
  'fsxWindowsFileServerVolumeConfiguration',
  'configuredAtLaunch',
];

export function refuseVolumes(request: Members, refuse: Refuse): void {
  const names: string[] = [];
  for (const [index, volume] of listOf(request.volumes).entries()) {
    const place = `volumes[${index}]`;
    const name = String(volume.name ?? '');
    if (name === '') refuse(place, 'a volume without a `name`: no container could mount it');
    else if (names.includes(name)) refuse(place, `"${name}" is the name of another volume; give each its own`);
    names.push(name);
    const kinds = KINDS.filter((kind) => volume[kind] !== undefined && volume[kind] !== false);
    if (kinds.length > 1) refuse(place, `"${name}" is of several kinds: ${kinds.join(', ')}; keep one`);
    if (volume.configuredAtLaunch === true)
      refuse(
        `${place}.configuredAtLaunch`,
        `ECS wants \`volumeConfigurations\` with every launch of such a volume, and no service of a pipeline has them yet; take "${name}" as a plain volume, with \`ephemeralStorage\` if 20 GiB are too little`,
      );
  }
  const containers = containersOf(request);
  for (const { at, name, mountPoints, volumesFrom } of containers) {
    const paths = new Set<string>();
    for (const [index, { sourceVolume, containerPath }] of listOf(mountPoints).entries()) {
      const place = `${at}.mountPoints[${index}]`;
      if (!names.includes(String(sourceVolume))) refuse(place, unknownName('volume', String(sourceVolume), names));
      if (containerPath === undefined) refuse(place, 'says no `containerPath`');
      else if (paths.has(String(containerPath))) refuse(place, `${String(containerPath)} is mounted twice; take one out`);
      paths.add(String(containerPath));
    }
    for (const [index, { sourceContainer }] of listOf(volumesFrom).entries())
      if (sourceContainer === name || !containers.some((other) => other.name === sourceContainer))
        refuse(
          `${at}.volumesFrom[${index}]`,
          unknownName(
            'other container',
            String(sourceContainer),
            containers.map((one) => one.name).filter((one) => one !== name),
          ),
        );
  }
}
