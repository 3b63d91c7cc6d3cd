/** CodeBuild: how a verification build ended. */
import { BatchGetBuildsCommand, CodeBuildClient } from '@aws-sdk/client-codebuild';
import { type Connection, clientSettings } from './clients.ts';

export interface BuildEnd {
  readonly project: string;
  readonly status: string;
  /** The phase that failed and what it said; absent if none did. */
  readonly failure?: { readonly phase: string; readonly message: string };
  readonly logs?: { readonly group: string; readonly stream: string };
}

export class Builds {
  private readonly client: CodeBuildClient;

  constructor(connection: Connection = {}) {
    this.client = new CodeBuildClient(clientSettings(connection));
  }

  async describe(id: string): Promise<BuildEnd | undefined> {
    const { builds = [] } = await this.client.send(new BatchGetBuildsCommand({ ids: [id] }));
    const [build] = builds;
    if (build === undefined) return undefined;
    const failed = build.phases?.find(
      ({ phaseStatus }) => phaseStatus === 'FAILED' || phaseStatus === 'FAULT' || phaseStatus === 'TIMED_OUT',
    );
    return {
      project: build.projectName ?? '',
      status: build.buildStatus ?? '',
      ...(failed
        ? { failure: { phase: failed.phaseType ?? '', message: failed.contexts?.map(({ message }) => message).join('; ') ?? '' } }
        : {}),
      ...(build.logs?.groupName && build.logs.streamName ? { logs: { group: build.logs.groupName, stream: build.logs.streamName } } : {}),
    };
  }
}
