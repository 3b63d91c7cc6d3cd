/** A build's log: written to CloudWatch Logs with the rights of the build's service role. */
import type { LogsConfig } from '@aws-sdk/client-codebuild';
import { type Principal, ServiceError } from '../../core/service.ts';
import type { Site } from '../../core/site.ts';

export interface LogPlace {
  readonly group: string;
  readonly stream: string;
}

/** Where a build's lines go; undefined where the project wants none. */
export function logPlace(config: LogsConfig | undefined, project: string, buildUuid: string): LogPlace | undefined {
  const settings = config?.cloudWatchLogs;
  if (settings?.status === 'DISABLED') return undefined;
  return {
    group: settings?.groupName ?? `/aws/codebuild/${project}`,
    stream: settings?.streamName ? `${settings.streamName}/${buildUuid}` : buildUuid,
  };
}

/** PutLogEvents takes 10,000 events and a mebibyte; well below both. */
const BATCH = 500;

export class BuildLog {
  private readonly site: Site;
  private readonly role: Principal;
  private readonly place: LogPlace | undefined;
  private waiting: { timestamp: number; message: string }[] = [];

  constructor(site: Site, role: Principal, place: LogPlace | undefined) {
    this.site = site;
    this.role = role;
    this.place = place;
  }

  /** Makes the stream, and the group if there is none. @throws ServiceError AccessDeniedException */
  async open(): Promise<void> {
    if (this.place === undefined) return;
    const stream = { logGroupName: this.place.group, logStreamName: this.place.stream };
    try {
      await this.call('CreateLogStream', stream);
    } catch (error) {
      if (!(error instanceof ServiceError) || error.code !== 'ResourceNotFoundException') throw error;
      await this.call('CreateLogGroup', { logGroupName: this.place.group });
      await this.call('CreateLogStream', stream);
    }
  }

  /** A line of CodeBuild's own, as `[Container] 2026/11/21 04:00:00.000000 Running command …`. */
  note(text: string): void {
    const time = new Date(this.site.world.clock.now()).toISOString().replaceAll('-', '/').replace('T', ' ').replace('Z', '000');
    this.output(`[Container] ${time} ${text}`);
  }

  /** What a command wrote. */
  output(text: string): void {
    if (text === '') return;
    const timestamp = this.site.world.clock.now();
    const lines = text.endsWith('\n') ? text.slice(0, -1).split('\n') : text.split('\n');
    for (const message of lines) this.waiting.push({ timestamp, message: `${message}\n` });
  }

  /** Hands on what was written. Lines that Logs does not take are lost; the build goes on. */
  async flush(): Promise<void> {
    const events = this.waiting;
    this.waiting = [];
    if (this.place === undefined) return;
    for (let start = 0; start < events.length; start += BATCH) {
      const logEvents = events.slice(start, start + BATCH);
      try {
        await this.call('PutLogEvents', { logGroupName: this.place.group, logStreamName: this.place.stream, logEvents });
      } catch (error) {
        if (!(error instanceof ServiceError)) throw error;
      }
    }
  }

  private call(operation: string, input: object): Promise<unknown> {
    return this.site.call(this.role, 'logs', operation, input);
  }
}
