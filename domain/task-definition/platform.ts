/** What machine a task runs on, and whether its images are made for it. https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RuntimePlatform.html */
import { type Members, membersOf, type Refuse } from './members.ts';

/** As `platform` of a repository says, and as ECS does. */
const ARCHITECTURES: Readonly<Record<string, string>> = { amd64: 'X86_64', arm64: 'ARM64' };

/** @param platforms of the repositories that the service runs, by name: `linux/amd64` */
export function refusePlatform(request: Members, platforms: Readonly<Record<string, string>>, refuse: Refuse): void {
  const { cpuArchitecture = 'X86_64', operatingSystemFamily = 'LINUX' } = membersOf(request.runtimePlatform);
  const [system] = String(operatingSystemFamily).toLowerCase().split('_');
  for (const [repository, platform] of Object.entries(platforms)) {
    const [os = '', machine = ''] = platform.split('/');
    const architecture = ARCHITECTURES[machine];
    if (architecture === undefined) continue;
    if (architecture !== cpuArchitecture)
      refuse(
        'runtimePlatform.cpuArchitecture',
        `the task runs on ${String(cpuArchitecture)}, and images of ${repository} are for ${platform}; write ${architecture} here, or another \`platform\` for the repository`,
      );
    if (os !== system)
      refuse(
        'runtimePlatform.operatingSystemFamily',
        `the task runs on ${String(operatingSystemFamily)}, and images of ${repository} are for ${platform}; write ${os === 'windows' ? 'the family of Windows' : os.toUpperCase()} here, or another \`platform\` for the repository`,
      );
  }
}
