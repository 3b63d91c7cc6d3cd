/** CloudWatch Logs: groups, streams, events in pages, and the metrics that stand in log lines. */
import type * as Api from '@aws-sdk/client-cloudwatch-logs';
import {
  type CreatedResource,
  type Operation,
  type Permission,
  type PolicyDocument,
  type PolicyStatement,
  type ResourceType,
  type Service,
  ServiceError,
} from '../core/service.ts';
import type { Site } from '../core/site.ts';
import { embeddedMetrics } from './logs/emf.ts';
import { filterPattern } from './logs/pattern.ts';
import { type LogEvent, LogStream } from './logs/stream.ts';

declare module '../core/site.ts' {
  interface Services {
    logs: Logs;
  }
}

interface Group {
  readonly name: string;
  readonly createdAt: number;
  /** Days. */
  retention: number | undefined;
  tags: Record<string, string>;
  readonly streams: Map<string, LogStream>;
}

interface GroupProperties {
  readonly LogGroupName?: string;
  readonly RetentionInDays?: number;
  readonly Tags?: readonly { readonly Key: string; readonly Value: string }[];
}

const DAY = 24 * 3600_000;
const PAGE = 50;
/** Billed with every event: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html */
const OVERHEAD = 26;
const RETENTIONS: ReadonlySet<number> = new Set([
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
]);

const invalid = (message: string) => new ServiceError('InvalidParameterException', message);

export class Logs implements Service {
  readonly operations: Readonly<Record<string, Operation>>;
  readonly resources: Readonly<Record<string, ResourceType>>;
  private readonly site: Site;
  private readonly groups = new Map<string, Group>();
  private readonly policies = new Map<string, PolicyDocument>();
  private sequence = 0;

  constructor(site: Site) {
    this.site = site;
    this.operations = { ...this.groupOperations(), ...this.streamOperations(), ...this.readOperations() };
    this.resources = {
      'AWS::Logs::LogGroup': this.groupType(),
      'AWS::Logs::LogStream': this.streamType(),
      'AWS::Logs::ResourcePolicy': this.policyType(),
    };
  }

  private get now(): number {
    return this.site.world.clock.now();
  }

  /**
   * Writes lines at the time of the clock, as Lambda, ECS and others do by means of their own; makes the stream.
   * @throws ServiceError ResourceNotFoundException where there is no such group
   */
  append(group: string, stream: string, lines: readonly string[]): void {
    const found = this.group(group);
    const into = found.streams.get(stream) ?? this.makeStream(found, stream);
    for (const message of lines) this.write(into, { timestamp: this.now, message });
  }

  /** The last `count` messages of a stream, oldest first; none where there is no such stream. */
  lastLines(group: string, stream: string, count: number): readonly string[] {
    const found = this.groups.get(group);
    if (found === undefined) return [];
    this.expire(found);
    return (found.streams.get(stream)?.all ?? []).slice(-count).map(({ message }) => message);
  }

  /** All messages of a group in the order of their times, for tests and people. */
  lines(group: string): readonly string[] {
    const found = this.group(group);
    this.expire(found);
    return inOrder([...found.streams.values()]).map(({ event }) => event.message);
  }

  /** @throws ServiceError ResourceAlreadyExistsException */
  createGroup(name: string): void {
    if (!/^[.\-_/#A-Za-z0-9]{1,512}$/.test(name))
      throw invalid(
        `1 validation error detected: Value '${name}' at 'logGroupName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\.\\-_/#A-Za-z0-9]+`,
      );
    if (this.groups.has(name)) throw new ServiceError('ResourceAlreadyExistsException', 'The specified log group already exists');
    this.groups.set(name, { name, createdAt: this.now, retention: undefined, tags: {}, streams: new Map() });
  }

  hasGroup(name: string): boolean {
    return this.groups.has(name);
  }

  private group(nameOrArn: string | undefined): Group {
    const name = /:log-group:([^:]+)/.exec(nameOrArn ?? '')?.[1] ?? nameOrArn ?? '';
    const group = this.groups.get(name);
    if (group === undefined) throw new ServiceError('ResourceNotFoundException', 'The specified log group does not exist.');
    return group;
  }

  private stream(group: Group, name: string | undefined): LogStream {
    const stream = group.streams.get(name ?? '');
    if (stream === undefined) throw new ServiceError('ResourceNotFoundException', 'The specified log stream does not exist.');
    return stream;
  }

  private makeStream(group: Group, name: string): LogStream {
    if (!/^[^:*]{1,512}$/.test(name))
      throw invalid(
        `1 validation error detected: Value '${name}' at 'logStreamName' failed to satisfy constraint: Member must satisfy regular expression pattern: [^:*]*`,
      );
    const stream = new LogStream(name, this.site.arn('logs', `log-group:${group.name}:log-stream:${name}`), this.now);
    group.streams.set(name, stream);
    return stream;
  }

  private write(stream: LogStream, { timestamp, message }: { timestamp: number; message: string }): void {
    stream.add({ id: String(++this.sequence).padStart(56, '0'), timestamp, ingestedAt: this.now, message });
    const { account, region } = this.site;
    this.site.world.meter.record('logs.ingested-byte', Buffer.byteLength(message) + OVERHEAD, { account, region });
    const metrics = embeddedMetrics(message);
    if (metrics.length > 0 && this.site.world.knows('cloudwatch')) this.site.service('cloudwatch').ingest(metrics);
  }

  private expire(group: Group): void {
    if (group.retention === undefined) return;
    for (const stream of group.streams.values()) stream.expire(this.now - group.retention * DAY);
  }

  // ---- what IAM must allow

  /** Actions on a group are held against the group with no stream, so that policies end in `:*`. */
  private onGroup(action: string) {
    return (input: { logGroupName?: string; logGroupIdentifier?: string }): Permission[] => [this.permission(action, input)];
  }

  private onStream(action: string) {
    return (input: { logGroupName?: string; logStreamName?: string }): Permission[] => [this.permission(action, input)];
  }

  private permission(action: string, input: { logGroupName?: string; logGroupIdentifier?: string; logStreamName?: string }): Permission {
    const group = input.logGroupName ?? /:log-group:([^:]+)/.exec(input.logGroupIdentifier ?? '')?.[1] ?? input.logGroupIdentifier ?? '';
    const resource = this.site.arn('logs', `log-group:${group}:log-stream:${input.logStreamName ?? ''}`);
    const statements = [...this.policies.values()].flatMap(({ Statement }) => [Statement].flat() as PolicyStatement[]);
    return {
      action: `logs:${action}`,
      resource,
      ...(statements.length === 0 ? {} : { resourcePolicy: { Version: '2012-10-17', Statement: statements } }),
    };
  }

  // ---- operations

  private groupOperations(): Readonly<Record<string, Operation>> {
    return {
      CreateLogGroup: {
        authorize: this.onGroup('CreateLogGroup'),
        handle: (input: Api.CreateLogGroupRequest) => {
          this.createGroup(input.logGroupName ?? '');
          this.group(input.logGroupName).tags = { ...input.tags };
          return {};
        },
      },
      DeleteLogGroup: {
        authorize: this.onGroup('DeleteLogGroup'),
        handle: (input: Api.DeleteLogGroupRequest) => {
          this.groups.delete(this.group(input.logGroupName).name);
          return {};
        },
      },
      DescribeLogGroups: {
        // Knows no resource.
        authorize: () => [{ action: 'logs:DescribeLogGroups', resource: '*' }],
        handle: (input: Api.DescribeLogGroupsRequest): Api.DescribeLogGroupsResponse => {
          const groups = [...this.groups.values()]
            .filter(({ name }) => name.startsWith(input.logGroupNamePrefix ?? '') && name.includes(input.logGroupNamePattern ?? ''))
            .sort(byName);
          const { page, nextToken } = paged(groups, input.limit ?? PAGE, input.nextToken);
          return {
            logGroups: page.map((group) => ({
              logGroupName: group.name,
              creationTime: group.createdAt,
              arn: this.site.arn('logs', `log-group:${group.name}:*`),
              logGroupArn: this.site.arn('logs', `log-group:${group.name}`),
              logGroupClass: 'STANDARD',
              metricFilterCount: 0,
              storedBytes: inOrder([...group.streams.values()]).reduce(
                (sum, { event }) => sum + Buffer.byteLength(event.message) + OVERHEAD,
                0,
              ),
              ...(group.retention === undefined ? {} : { retentionInDays: group.retention }),
            })),
            nextToken,
          };
        },
      },
      PutRetentionPolicy: {
        authorize: this.onGroup('PutRetentionPolicy'),
        handle: (input: Api.PutRetentionPolicyRequest) => {
          this.group(input.logGroupName).retention = checkedRetention(input.retentionInDays);
          return {};
        },
      },
      DeleteRetentionPolicy: {
        authorize: this.onGroup('DeleteRetentionPolicy'),
        handle: (input: Api.DeleteRetentionPolicyRequest) => {
          this.group(input.logGroupName).retention = undefined;
          return {};
        },
      },
    };
  }

  private streamOperations(): Readonly<Record<string, Operation>> {
    return {
      CreateLogStream: {
        authorize: this.onStream('CreateLogStream'),
        handle: (input: Api.CreateLogStreamRequest) => {
          const group = this.group(input.logGroupName);
          if (group.streams.has(input.logStreamName ?? ''))
            throw new ServiceError('ResourceAlreadyExistsException', 'The specified log stream already exists');
          this.makeStream(group, input.logStreamName ?? '');
          return {};
        },
      },
      DeleteLogStream: {
        authorize: this.onStream('DeleteLogStream'),
        handle: (input: Api.DeleteLogStreamRequest) => {
          const group = this.group(input.logGroupName);
          group.streams.delete(this.stream(group, input.logStreamName).name);
          return {};
        },
      },
      DescribeLogStreams: {
        authorize: this.onGroup('DescribeLogStreams'),
        handle: (input: Api.DescribeLogStreamsRequest): Api.DescribeLogStreamsResponse => {
          const group = this.group(input.logGroupName ?? input.logGroupIdentifier);
          this.expire(group);
          if (input.orderBy === 'LastEventTime' && input.logStreamNamePrefix !== undefined)
            throw invalid('Cannot order by LastEventTime with a logStreamNamePrefix.');
          const newest = (stream: LogStream) => stream.all.at(-1)?.timestamp ?? stream.createdAt;
          const streams = [...group.streams.values()]
            .filter(({ name }) => name.startsWith(input.logStreamNamePrefix ?? ''))
            .sort(input.orderBy === 'LastEventTime' ? (a, b) => newest(a) - newest(b) || byName(a, b) : byName);
          if (input.descending === true) streams.reverse();
          const { page, nextToken } = paged(streams, input.limit ?? PAGE, input.nextToken);
          return {
            logStreams: page.map((stream) => ({
              logStreamName: stream.name,
              arn: stream.arn,
              creationTime: stream.createdAt,
              storedBytes: 0,
              ...(stream.all.length === 0
                ? {}
                : { firstEventTimestamp: stream.all[0]!.timestamp, lastEventTimestamp: stream.all.at(-1)!.timestamp }),
              ...(stream.lastIngestion === undefined ? {} : { lastIngestionTime: stream.lastIngestion }),
            })),
            nextToken,
          };
        },
      },
      PutLogEvents: {
        authorize: this.onStream('PutLogEvents'),
        handle: (input: Api.PutLogEventsRequest): Api.PutLogEventsResponse => this.putEvents(input),
      },
    };
  }

  /** https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html */
  private putEvents(input: Api.PutLogEventsRequest): Api.PutLogEventsResponse {
    const group = this.group(input.logGroupName);
    const stream = this.stream(group, input.logStreamName);
    const events = (input.logEvents ?? []).map(({ timestamp = 0, message = '' }) => ({ timestamp, message }));
    if (events.length < 1 || events.length > 10_000)
      throw invalid(
        "1 validation error detected: Value at 'logEvents' failed to satisfy constraint: Member must have length between 1 and 10000",
      );
    if (events.some(({ timestamp }, at) => at > 0 && timestamp < events[at - 1]!.timestamp))
      throw invalid('Log events in a single PutLogEvents request must be in chronological order.');
    if (events.at(-1)!.timestamp - events[0]!.timestamp > DAY)
      throw invalid('The batch of log events in a single PutLogEvents request cannot span more than 24 hours.');
    if (events.reduce((size, { message }) => size + Buffer.byteLength(message) + OVERHEAD, 0) > 1_048_576)
      throw invalid('Upload too large: exceeds maximum batch size of 1048576 bytes');
    const oldest = this.now - Math.min(14, group.retention ?? 14) * DAY;
    const newest = this.now + DAY / 12;
    const tooOld = events.filter(({ timestamp }) => timestamp < oldest).length;
    const tooNew = events.findIndex(({ timestamp }) => timestamp > newest);
    for (const event of events) if (event.timestamp >= oldest && event.timestamp <= newest) this.write(stream, event);
    if (tooOld === 0 && tooNew < 0) return {};
    return {
      rejectedLogEventsInfo: {
        ...(tooOld > 0 ? { tooOldLogEventEndIndex: tooOld } : {}),
        ...(tooNew >= 0 ? { tooNewLogEventStartIndex: tooNew } : {}),
      },
    };
  }

  private readOperations(): Readonly<Record<string, Operation>> {
    return {
      GetLogEvents: {
        authorize: this.onStream('GetLogEvents'),
        handle: (input: Api.GetLogEventsRequest): Api.GetLogEventsResponse => {
          const group = this.group(input.logGroupName ?? input.logGroupIdentifier);
          this.expire(group);
          const { events, forwardToken, backwardToken } = this.stream(group, input.logStreamName).page({
            start: input.startTime ?? 0,
            end: input.endTime ?? Number.POSITIVE_INFINITY,
            limit: input.limit ?? 10_000,
            fromHead: input.startFromHead ?? false,
            token: input.nextToken,
          });
          return {
            events: events.map(({ timestamp, message, ingestedAt }) => ({ timestamp, message, ingestionTime: ingestedAt })),
            nextForwardToken: forwardToken,
            nextBackwardToken: backwardToken,
          };
        },
      },
      FilterLogEvents: {
        authorize: this.onGroup('FilterLogEvents'),
        handle: (input: Api.FilterLogEventsRequest): Api.FilterLogEventsResponse => {
          const group = this.group(input.logGroupName ?? input.logGroupIdentifier);
          this.expire(group);
          if (input.logStreamNames !== undefined && input.logStreamNamePrefix !== undefined)
            throw invalid('logStreamNamePrefix and logStreamNames are mutually exclusive parameters.');
          const streams =
            input.logStreamNames?.map((name) => this.stream(group, name)) ??
            [...group.streams.values()].filter(({ name }) => name.startsWith(input.logStreamNamePrefix ?? ''));
          const matches = filterPattern(input.filterPattern ?? '');
          const { startTime: start = 0, endTime: end = Number.POSITIVE_INFINITY } = input;
          const found = inOrder(streams).filter(
            ({ event }) => event.timestamp >= start && event.timestamp <= end && matches(event.message),
          );
          const { page, nextToken } = paged(found, input.limit ?? 10_000, input.nextToken);
          return {
            events: page.map(({ event, stream }) => ({
              logStreamName: stream.name,
              timestamp: event.timestamp,
              message: event.message,
              ingestionTime: event.ingestedAt,
              eventId: event.id,
            })),
            searchedLogStreams: [],
            nextToken,
          };
        },
      },
    };
  }

  // ---- CloudFormation

  private groupType(): ResourceType<GroupProperties> {
    const apply = (name: string, properties: GroupProperties): CreatedResource => {
      const group = this.group(name);
      group.retention = properties.RetentionInDays === undefined ? undefined : checkedRetention(Number(properties.RetentionInDays));
      group.tags = Object.fromEntries((properties.Tags ?? []).map(({ Key, Value }) => [Key, Value]));
      return { ref: name, attributes: { Arn: this.site.arn('logs', `log-group:${name}:*`) } };
    };
    return {
      properties: ['LogGroupName', 'RetentionInDays', 'Tags'],
      inert: [
        'KmsKeyId',
        'LogGroupClass',
        'DataProtectionPolicy',
        'FieldIndexPolicies',
        'ResourcePolicyDocument',
        'DeletionProtectionEnabled',
      ],
      create: (properties, context) => {
        const name = properties.LogGroupName ?? context.generatedName;
        this.createGroup(name);
        return apply(name, properties);
      },
      update: (properties, before) => {
        if (properties.LogGroupName !== undefined && properties.LogGroupName !== before.ref)
          throw new ServiceError('ValidationError', `local AWS does not replace log groups: ${before.ref} cannot be renamed`);
        return apply(before.ref, properties);
      },
      delete: (before) => {
        this.groups.delete(before.ref);
      },
    };
  }

  private streamType(): ResourceType<{ readonly LogGroupName: string; readonly LogStreamName?: string }> {
    return {
      properties: ['LogGroupName', 'LogStreamName'],
      create: (properties, context) => {
        const name = properties.LogStreamName ?? context.generatedName;
        this.makeStream(this.group(properties.LogGroupName), name);
        return { ref: name, attributes: { LogGroupName: properties.LogGroupName } };
      },
      delete: (before) => {
        this.groups.get(before.attributes?.LogGroupName ?? '')?.streams.delete(before.ref);
      },
    };
  }

  /** Lets other services, EventBridge for one, write into groups. */
  private policyType(): ResourceType<{ readonly PolicyName: string; readonly PolicyDocument: string | PolicyDocument }> {
    const put: ResourceType['create'] = ({ PolicyName, PolicyDocument }) => {
      this.policies.set(PolicyName, typeof PolicyDocument === 'string' ? JSON.parse(PolicyDocument) : PolicyDocument);
      return { ref: PolicyName };
    };
    return {
      properties: ['PolicyName', 'PolicyDocument'],
      create: put,
      update: (properties, before, context) => {
        this.policies.delete(before.ref);
        return put(properties, context);
      },
      delete: (before) => {
        this.policies.delete(before.ref);
      },
    };
  }
}

const byName = (a: { readonly name: string }, b: { readonly name: string }) => (a.name < b.name ? -1 : 1);

/** The events of several streams by time; equal times in the order in which they came. */
function inOrder(streams: readonly LogStream[]): readonly { readonly event: LogEvent; readonly stream: LogStream }[] {
  return streams
    .flatMap((stream) => stream.all.map((event) => ({ event, stream })))
    .sort((a, b) => a.event.timestamp - b.event.timestamp || (a.event.id < b.event.id ? -1 : 1));
}

function paged<One>(all: readonly One[], limit: number, token: string | undefined): { page: readonly One[]; nextToken?: string } {
  const start = Number(token ?? 0);
  const page = all.slice(start, start + limit);
  return start + limit < all.length ? { page, nextToken: String(start + limit) } : { page };
}

function checkedRetention(days: number | undefined): number {
  if (days === undefined || !RETENTIONS.has(days))
    throw invalid(
      `1 validation error detected: Value '${days}' at 'retentionInDays' failed to satisfy constraint: Member must satisfy enum value set: [${[...RETENTIONS].join(', ')}]`,
    );
  return days;
}
