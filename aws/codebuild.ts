/** CodeBuild: the verification builds of a project, as people read them. */
import {
  BatchGetBuildsCommand,
  type Build,
  CodeBuildClient,
  paginateListBuildsForProject,
  ResourceNotFoundException,
} from '@aws-sdk/client-codebuild';
import { type Connection, clientSettings } from './clients.ts';

export interface BuildRun {
  /** Counted by CodeBuild, from 1 for each project. */
  readonly number: number;
  /** `SUCCEEDED`, `FAILED`, `FAULT`, `TIMED_OUT`, `STOPPED` or `IN_PROGRESS`. */
  readonly status: string;
  /** What it checked, as its variables say; `undefined` for a build that somebody started by hand. */
  readonly release: { readonly repository: string; readonly tag: string } | undefined;
  /** Milliseconds since the epoch. */
  readonly began: number;
  readonly ended: number | undefined;
  /** The phase that failed, and what CodeBuild says of it. */
  readonly failure: { readonly phase: string; readonly message: string } | undefined;
  /** Where its output is; `undefined` before it has said anything. */
  readonly log: { readonly group: string; readonly stream: string } | undefined;
}

/** How many BatchGetBuilds describes at once, and a page of the list has. */
const MOST = 100;

export class Builds {
  private readonly client: CodeBuildClient;

  constructor(connection: Connection = {}) {
    this.client = new CodeBuildClient(clientSettings(connection));
  }

  /**
   * The newest builds of a project, newest first. https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ListBuildsForProject.html
   * @param limit at most so many, if the caller wants no more
   * @returns undefined where there is no such project
   */
  async newest(projectName: string, limit: number): Promise<BuildRun[] | undefined> {
    const found: BuildRun[] = [];
    try {
      for await (const { ids = [] } of paginateListBuildsForProject({ client: this.client }, { projectName, sortOrder: 'DESCENDING' })) {
        const wanted = ids.slice(0, Math.min(MOST, limit - found.length));
        if (wanted.length === 0) break;
        const { builds = [] } = await this.client.send(new BatchGetBuildsCommand({ ids: wanted }));
        // Not necessarily in the order that was asked for.
        found.push(...builds.map(runOf).toSorted((a, b) => b.number - a.number));
        if (found.length >= limit) break;
      }
    } catch (error) {
      if (error instanceof ResourceNotFoundException) return undefined;
      throw error;
    }
    return found;
  }
}

function runOf({ buildNumber = 0, buildStatus, environment, startTime, endTime, phases = [], logs }: Build): BuildRun {
  const variable = (wanted: string) => environment?.environmentVariables?.find(({ name }) => name === wanted)?.value;
  const [repository, tag] = [variable('SHIPLOCK_REPOSITORY'), variable('SHIPLOCK_TAG')];
  const failed = phases.find(({ phaseStatus }) => phaseStatus === 'FAILED' || phaseStatus === 'FAULT' || phaseStatus === 'TIMED_OUT');
  return {
    number: buildNumber,
    status: buildStatus ?? '',
    release: repository && tag ? { repository, tag } : undefined,
    began: startTime?.getTime() ?? 0,
    ended: endTime?.getTime(),
    failure: failed && {
      phase: failed.phaseType ?? '',
      message: (failed.contexts ?? []).flatMap(({ message }) => message || []).join('; '),
    },
    log: logs?.groupName && logs.streamName ? { group: logs.groupName, stream: logs.streamName } : undefined,
  };
}
