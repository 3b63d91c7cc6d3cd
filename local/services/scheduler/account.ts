/** The schedules of one account and Region, and the operations on them. */
import type * as Api from '@aws-sdk/client-scheduler';
import { bound } from '../../core/bound.ts';
import { assertAssumable, passRole } from '../../core/iam/authorize.ts';
import type { Random } from '../../core/random.ts';
import { type Operation, type Permission, type Principal, ServiceError } from '../../core/service.ts';
import type { Site } from '../../core/site.ts';
import { dispatch, type Failure, RETRY_POLICY } from '../events/dispatch.ts';
import { assume } from '../events/role.ts';
import { invalid, Schedule } from './schedule.ts';
import { call, checkTarget } from './target.ts';

const SERVICE = 'scheduler.amazonaws.com';
const DEFAULT_GROUP = 'default';

/** Of one group. https://docs.aws.amazon.com/scheduler/latest/APIReference/API_TagResource.html */
const MOST_TAGS = 50;

interface Group {
  readonly name: string;
  readonly arn: string;
  readonly created: number;
  modified: number;
  tags: readonly Api.Tag[];
}

const conflict = (message: string) => new ServiceError('ConflictException', message, 409);
const missing = (message: string) => new ServiceError('ResourceNotFoundException', message, 404);

/** Only groups have tags. @throws ServiceError ValidationException */
function groupArn(arn: string | undefined): string {
  if (arn === undefined || !/^arn:aws:scheduler:[^:]*:[^:]*:schedule-group\/[^/]+$/.test(arn))
    throw invalid(`Invalid resource ARN ${arn}.`);
  return arn;
}

/** What IAM is told of tags in a request. */
function tagKeys(tags: readonly Api.Tag[] = []): Permission['context'] {
  const context: Record<string, string | string[]> = Object.fromEntries(
    tags.map(({ Key = '', Value = '' }) => [`aws:RequestTag/${Key}`, Value]),
  );
  return tags.length === 0 ? context : { ...context, 'aws:TagKeys': tags.map(({ Key = '' }) => Key) };
}

function page<Item>(items: readonly Item[], token: string | undefined, size = 100): { items: Item[]; next: { NextToken?: string } } {
  const from = token === undefined ? 0 : Number(token);
  return { items: items.slice(from, from + size), next: from + size < items.length ? { NextToken: String(from + size) } : {} };
}

export class SchedulerAccount {
  readonly site: Site;
  readonly operations: Readonly<Record<string, Operation>>;
  private readonly schedules = new Map<string, Schedule>();
  private readonly groups = new Map<string, Group>();
  private readonly tokens = new Map<string, string>();
  private readonly random: Random;

  constructor(site: Site) {
    this.site = site;
    this.random = site.world.random.fork(`scheduler/${site.account}/${site.region}`);
    this.createGroup(DEFAULT_GROUP);
    this.operations = this.table();
  }

  private arnOf(name: string | undefined, group = DEFAULT_GROUP): string {
    return this.site.arn('scheduler', `schedule/${group}/${name}`);
  }

  /** @throws ServiceError ResourceNotFoundException */
  schedule(name: string | undefined, group?: string): Schedule {
    const found = this.schedules.get(this.arnOf(name, group));
    if (found === undefined) throw missing(`Schedule ${name} does not exist.`);
    return found;
  }

  /** @throws ServiceError ConflictException, ResourceNotFoundException, ValidationException */
  create(input: Api.CreateScheduleInput): Schedule {
    const group = input.GroupName ?? DEFAULT_GROUP;
    const arn = this.arnOf(input.Name, group);
    const before = this.schedules.get(arn);
    if (before && input.ClientToken !== undefined && this.tokens.get(input.ClientToken) === arn) return before;
    if (!this.groups.has(group)) throw missing(`Schedule group ${group} does not exist.`);
    if (before) throw conflict(`Schedule ${input.Name} already exists.`);
    const schedule = new Schedule(arn, group, input, this.site.world.clock.now());
    this.checkTarget(input.Target, arn);
    this.schedules.set(arn, schedule);
    if (input.ClientToken !== undefined) this.tokens.set(input.ClientToken, arn);
    this.arm(schedule, this.site.world.clock.now() - 1);
    return schedule;
  }

  /** All settings are replaced; what is not given goes back to its default. @throws ServiceError */
  update(input: Api.UpdateScheduleInput): Schedule {
    const schedule = this.schedule(input.Name, input.GroupName);
    this.checkTarget(input.Target, schedule.arn);
    schedule.change(input, this.site.world.clock.now());
    this.arm(schedule, this.site.world.clock.now() - 1);
    return schedule;
  }

  delete(name: string | undefined, group?: string): void {
    const schedule = this.schedule(name, group);
    this.disarm(schedule);
    for (const late of schedule.late.values()) this.site.world.clock.cancel(late);
    schedule.late.clear();
    this.schedules.delete(schedule.arn);
  }

  /** @throws ServiceError ConflictException */
  createGroup(name: string, tags: readonly Api.Tag[] = [], token?: string): Group {
    const arn = this.site.arn('scheduler', `schedule-group/${name}`);
    const before = this.groups.get(name);
    if (before && token !== undefined && this.tokens.get(token) === arn) return before;
    if (before) throw conflict(`Schedule group ${name} already exists.`);
    if (tags.length > MOST_TAGS) throw new ServiceError('ServiceQuotaExceededException', 'Too many tags.', 402);
    const now = this.site.world.clock.now();
    const group = { name, arn, created: now, modified: now, tags };
    this.groups.set(name, group);
    if (token !== undefined) this.tokens.set(token, arn);
    return group;
  }

  /** @throws ServiceError ResourceNotFoundException */
  private group(name: string | undefined): Group {
    const group = this.groups.get(name ?? '');
    if (group === undefined) throw missing(`Schedule group ${name} does not exist.`);
    return group;
  }

  /** @throws ServiceError ResourceNotFoundException, ValidationException */
  private tagged(arn: string | undefined): Group {
    return this.group(groupArn(arn).split('/')[1]);
  }

  /** Deletes a group with its schedules. @throws ServiceError ResourceNotFoundException, ValidationException */
  deleteGroup(name: string): void {
    if (name === DEFAULT_GROUP) throw invalid('The default schedule group cannot be deleted.');
    if (!this.groups.delete(name)) throw missing(`Schedule group ${name} does not exist.`);
    for (const schedule of this.schedules.values()) if (schedule.group === name) this.delete(schedule.name, name);
  }

  private checkTarget(target: Api.Target | undefined, arn: string): void {
    checkTarget(target?.Arn ?? '');
    try {
      assertAssumable(this.site.world, target?.RoleArn ?? '', SERVICE, this.site.region, this.context(arn));
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      throw invalid('The execution role you provide must allow AWS EventBridge Scheduler to assume the role.');
    }
  }

  /** Condition keys that Scheduler brings: the ARN of the group, as AWS documents against the confused deputy. */
  private context(arn: string): Record<string, string> {
    const group = arn.split('/')[1]!;
    return { 'aws:SourceArn': this.site.arn('scheduler', `schedule-group/${group}`), 'aws:SourceAccount': this.site.account };
  }

  /** Sets the one timer of a schedule to its next time after `after`. */
  private arm(schedule: Schedule, after: number): void {
    this.disarm(schedule);
    if (!schedule.enabled) return;
    const due = schedule.due(after);
    if (due === undefined) return;
    schedule.timer = this.site.world.clock.at(due, `schedule ${schedule.name}`, bound(this, this.comesDue, schedule, due));
  }

  private comesDue(schedule: Schedule, due: number): Promise<void> | undefined {
    schedule.timer = undefined;
    this.arm(schedule, due);
    return this.fire(schedule, due);
  }

  private disarm(schedule: Schedule): void {
    if (schedule.timer) this.site.world.clock.cancel(schedule.timer);
    schedule.timer = undefined;
  }

  private fire(schedule: Schedule, due: number): Promise<void> | undefined {
    const { clock } = this.site.world;
    const window = schedule.settings.FlexibleTimeWindow;
    if (window?.Mode !== 'FLEXIBLE') return this.invoke(schedule, due);
    const offset = this.random.integer((window.MaximumWindowInMinutes ?? 1) * 60) * 1000;
    schedule.late.set(due, clock.after(offset, `schedule ${schedule.name} in its window`, bound(this, this.invokeLate, schedule, due)));
    return undefined;
  }

  private invokeLate(schedule: Schedule, due: number): Promise<void> {
    schedule.late.delete(due);
    return this.invoke(schedule, due);
  }

  private async invoke(schedule: Schedule, due: number): Promise<void> {
    const { site } = this;
    const target = schedule.settings.Target!;
    const executionId = this.random.uuid();
    const time = `${new Date(due).toISOString().slice(0, 19)}Z`;
    const deadLetterArn = target.DeadLetterConfig?.Arn;
    await dispatch(site, {
      what: `schedule ${schedule.name}`,
      from: site.world.clock.now(),
      maximumRetryAttempts: target.RetryPolicy?.MaximumRetryAttempts ?? RETRY_POLICY.maximumRetryAttempts,
      maximumEventAgeInSeconds: target.RetryPolicy?.MaximumEventAgeInSeconds ?? RETRY_POLICY.maximumEventAgeInSeconds,
      send: bound(this, this.send, schedule, target, time, executionId),
      done: bound(this, this.complete, schedule),
      deadLetter:
        deadLetterArn === undefined
          ? undefined
          : {
              arn: deadLetterArn,
              principal: bound(this, this.principal, schedule, target, executionId),
              body: target.Input ?? '{}',
              attributes: bound(this, this.deadLetterAttributes, schedule.arn, target.Arn!, executionId),
            },
    });
  }

  private principal(schedule: Schedule, target: Api.Target, executionId: string): Principal {
    return assume(this.site, target.RoleArn!, SERVICE, executionId.replaceAll('-', ''), this.context(schedule.arn));
  }

  private async send(schedule: Schedule, target: Api.Target, time: string, executionId: string, before: number): Promise<void> {
    const { site } = this;
    site.world.meter.record('scheduler.invocation', 1, { schedule: schedule.name, account: site.account, region: site.region });
    const principal = this.principal(schedule, target, executionId);
    await call(site, principal, target, { arn: schedule.arn, time, executionId, attempt: before + 1 });
  }

  private deadLetterAttributes(
    scheduleArn: string,
    targetArn: string,
    executionId: string,
    { code, message, attempts, condition }: Failure,
  ): Record<string, string> {
    return {
      SCHEDULE_ARN: scheduleArn,
      TARGET_ARN: targetArn,
      ERROR_CODE: code,
      ERROR_MESSAGE: message,
      EXECUTION_ID: executionId,
      IS_PAYLOAD_TRUNCATED: 'false',
      RETRY_ATTEMPTS: String(attempts),
      ...(condition === undefined ? {} : { EXHAUSTED_RETRY_CONDITION: condition }),
    };
  }

  /** After its last invocation a schedule may delete itself. */
  private complete(schedule: Schedule): void {
    const last = schedule.timer === undefined && schedule.late.size === 0 && schedule.due(this.site.world.clock.now()) === undefined;
    if (last && schedule.settings.ActionAfterCompletion === 'DELETE' && this.schedules.get(schedule.arn) === schedule)
      this.delete(schedule.name, schedule.group);
  }

  private table(): Readonly<Record<string, Operation>> {
    interface Named {
      readonly Name?: string | undefined;
      readonly GroupName?: string | undefined;
    }
    const on =
      (action: string) =>
      ({ Name, GroupName }: Named): Permission[] => [{ action: `scheduler:${action}`, resource: this.arnOf(Name, GroupName) }];
    const onGroup =
      (action: string) =>
      ({ Name }: Named): Permission[] => [
        { action: `scheduler:${action}`, resource: this.site.arn('scheduler', `schedule-group/${Name}`) },
      ];
    const passing =
      (action: string) =>
      (input: Api.CreateScheduleInput | Api.UpdateScheduleInput): Permission[] => [
        ...on(action)(input),
        ...(input.Target?.RoleArn ? [passRole(input.Target.RoleArn, SERVICE)] : []),
      ];
    const operation = <Input extends object, Output>(
      authorize: (input: Input) => readonly Permission[],
      handle: (input: Input) => Output,
    ): Operation => ({ authorize, handle });
    return {
      CreateSchedule: operation<Api.CreateScheduleInput, Api.CreateScheduleOutput>(passing('CreateSchedule'), (input) => ({
        ScheduleArn: this.create(input).arn,
      })),
      UpdateSchedule: operation<Api.UpdateScheduleInput, Api.UpdateScheduleOutput>(passing('UpdateSchedule'), (input) => ({
        ScheduleArn: this.update(input).arn,
      })),
      GetSchedule: operation<Api.GetScheduleInput, Api.GetScheduleOutput>(on('GetSchedule'), ({ Name, GroupName }) =>
        this.schedule(Name, GroupName).describe(),
      ),
      DeleteSchedule: operation<Api.DeleteScheduleInput, object>(on('DeleteSchedule'), ({ Name, GroupName }) => {
        this.delete(Name, GroupName);
        return {};
      }),
      ListSchedules: operation<Api.ListSchedulesInput, Api.ListSchedulesOutput>(
        () => [{ action: 'scheduler:ListSchedules', resource: '*' }],
        ({ GroupName, NamePrefix = '', State, NextToken, MaxResults }) => {
          const all = [...this.schedules.values()]
            .filter((one) => (GroupName === undefined || one.group === GroupName) && one.name.startsWith(NamePrefix))
            .filter((one) => State === undefined || (one.enabled ? 'ENABLED' : 'DISABLED') === State)
            .sort((a, b) => (a.arn < b.arn ? -1 : 1));
          const { items, next } = page(all, NextToken, MaxResults);
          return { Schedules: items.map((one) => one.summary()), ...next };
        },
      ),
      CreateScheduleGroup: operation<Api.CreateScheduleGroupInput, Api.CreateScheduleGroupOutput>(
        ({ Name, Tags }) => onGroup('CreateScheduleGroup')({ Name }).map((one) => ({ ...one, context: tagKeys(Tags) })),
        ({ Name, Tags, ClientToken }) => ({
          ScheduleGroupArn: this.createGroup(Name!, Tags, ClientToken).arn,
        }),
      ),
      DeleteScheduleGroup: operation<Api.DeleteScheduleGroupInput, object>(onGroup('DeleteScheduleGroup'), ({ Name }) => {
        this.deleteGroup(Name!);
        return {};
      }),
      GetScheduleGroup: operation<Api.GetScheduleGroupInput, Api.GetScheduleGroupOutput>(onGroup('GetScheduleGroup'), ({ Name }) => {
        const { name, arn, created, modified } = this.group(Name);
        return { Name: name, Arn: arn, State: 'ACTIVE', CreationDate: new Date(created), LastModificationDate: new Date(modified) };
      }),
      ListScheduleGroups: operation<Api.ListScheduleGroupsInput, Api.ListScheduleGroupsOutput>(
        () => [{ action: 'scheduler:ListScheduleGroups', resource: '*' }],
        ({ NamePrefix = '', NextToken, MaxResults }) => {
          const { items, next } = page(
            [...this.groups.values()].filter(({ name }) => name.startsWith(NamePrefix)),
            NextToken,
            MaxResults,
          );
          const shown = items.map(({ name, arn, created, modified }) => ({
            Name: name,
            Arn: arn,
            State: 'ACTIVE' as const,
            CreationDate: new Date(created),
            LastModificationDate: new Date(modified),
          }));
          return { ScheduleGroups: shown, ...next };
        },
      ),
      TagResource: operation<Api.TagResourceInput, object>(
        ({ ResourceArn, Tags }) => [{ action: 'scheduler:TagResource', resource: groupArn(ResourceArn), context: tagKeys(Tags) }],
        ({ ResourceArn, Tags = [] }) => {
          const group = this.tagged(ResourceArn);
          const tags = [...group.tags.filter(({ Key }) => !Tags.some((one) => one.Key === Key)), ...Tags];
          if (tags.length > MOST_TAGS) throw invalid(`A resource can have at most ${MOST_TAGS} tags.`);
          Object.assign(group, { tags, modified: this.site.world.clock.now() });
          return {};
        },
      ),
      UntagResource: operation<Api.UntagResourceInput, object>(
        ({ ResourceArn, TagKeys = [] }) => [
          { action: 'scheduler:UntagResource', resource: groupArn(ResourceArn), context: { 'aws:TagKeys': TagKeys } },
        ],
        ({ ResourceArn, TagKeys = [] }) => {
          const group = this.tagged(ResourceArn);
          const tags = group.tags.filter(({ Key = '' }) => !TagKeys.includes(Key));
          Object.assign(group, { tags, modified: this.site.world.clock.now() });
          return {};
        },
      ),
      ListTagsForResource: operation<Api.ListTagsForResourceInput, Api.ListTagsForResourceOutput>(
        ({ ResourceArn }) => [{ action: 'scheduler:ListTagsForResource', resource: groupArn(ResourceArn) }],
        ({ ResourceArn }) => ({ Tags: [...this.tagged(ResourceArn).tags] }),
      ),
    };
  }
}
