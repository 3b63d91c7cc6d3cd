/** Where the log lines of functions go: CloudWatch Logs, if the function's role may write there. */
import { authorize } from '../../core/iam/authorize.ts';
import { type Principal, ServiceError } from '../../core/service.ts';
import type { Site } from '../../core/site.ts';
import type { FunctionVersion, LambdaFunction } from './function.ts';

/** The part of CloudWatch Logs that is used here. */
interface LogStore {
  append(group: string, stream: string, lines: readonly string[]): void;
  createGroup?(name: string): void;
}

/**
 * Lambda writes logs with the rights of the function's role. What the role may not write is lost without an error, as on AWS.
 * The permissions are looked up without an API request, as Lambda's own log delivery makes none that counts.
 * https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html
 */
export class LogPermission {
  private readonly site: Site;
  /** Whether a stream may be written, by its ARN. */
  private readonly streams = new Map<string, boolean>();

  constructor(site: Site) {
    this.site = site;
  }

  /** Takes the lines of one stream. */
  writer(role: Principal, owner: LambdaFunction, version: FunctionVersion, stream: string): (lines: readonly string[]) => void {
    const group = version.logging.LogGroup ?? `/aws/lambda/${owner.name}`;
    return (lines) => {
      const arn = this.site.arn('logs', `log-group:${group}:log-stream:${stream}`);
      let open = this.streams.get(arn);
      if (open === undefined) {
        open = ['logs:CreateLogStream', 'logs:PutLogEvents'].every((action) => this.may(role, action, arn));
        this.streams.set(arn, open);
      }
      if (open) this.append(role, group, stream, lines);
    };
  }

  private append(role: Principal, group: string, stream: string, lines: readonly string[]): void {
    const logs = this.site.find('logs') as unknown as LogStore;
    try {
      logs.append(group, stream, lines);
    } catch (error) {
      if (!(error instanceof ServiceError) || error.code !== 'ResourceNotFoundException') throw error;
      if (logs.createGroup === undefined || !this.may(role, 'logs:CreateLogGroup', this.site.arn('logs', `log-group:${group}`))) return;
      logs.createGroup(group);
      logs.append(group, stream, lines);
    }
  }

  private may(role: Principal, action: string, resource: string): boolean {
    try {
      authorize(this.site.world, role, { action, resource }, this.site.region);
      return true;
    } catch (error) {
      if (error instanceof ServiceError) return false;
      throw error;
    }
  }
}
