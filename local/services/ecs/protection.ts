/** Protection of tasks: for a while the scheduler stops none that is protected. https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-scale-in-protection.html */
import type { Failure, GetTaskProtectionRequest, ProtectedTask, UpdateTaskProtectionRequest } from '@aws-sdk/client-ecs';
import { bound } from '../../core/bound.ts';
import type { Operation, Permission } from '../../core/service.ts';
import { clusterArn, clusterName, invalid, lastPart, taskArn } from './names.ts';
import type { EcsParts } from './parts.ts';
import { resourceTags } from './tags.ts';
import type { Task } from './task.ts';

/** In minutes: two hours unless said otherwise, two days at most. */
const PERIOD = { usual: 120, most: 2880 };
const MINUTE = 60_000;
const MOST_TASKS = { update: 10, get: 100 };

export function protectionOperations(ecs: EcsParts): Readonly<Record<string, Operation>> {
  const { site } = ecs;
  const now = () => site.world.clock.now();
  const on =
    (action: string) =>
    ({ cluster, tasks = [] }: { cluster?: string | undefined; tasks?: readonly string[] | undefined }): Permission[] =>
      (tasks.length === 0 ? ['*'] : tasks).map((one) => {
        const resource = taskArn(site, clusterName(cluster), lastPart(one));
        return {
          action: `ecs:${action}`,
          resource,
          context: { 'ecs:cluster': clusterArn(site, clusterName(cluster)), ...resourceTags(ecs.tasks.get(resource)?.settings.tags) },
        };
      });
  const describe = (task: Task): ProtectedTask => {
    const until = task.isProtected(now()) ? task.protectedUntil : undefined;
    return {
      taskArn: task.settings.arn,
      protectionEnabled: until !== undefined,
      ...(until === undefined ? {} : { expirationDate: new Date(until) }),
    };
  };
  /** The tasks of a request that can be protected, and why the others cannot. */
  const sort = (cluster: string, asked: readonly string[]) => {
    const found: Task[] = [];
    const failures: Failure[] = [];
    for (const one of asked) {
      const arn = taskArn(site, cluster, lastPart(one));
      const task = ecs.tasks.get(arn);
      if (task === undefined) failures.push({ arn, reason: 'MISSING' });
      else if (task.settings.owner === undefined || !task.isWanted)
        failures.push({ arn, reason: 'TASK_NOT_VALID', detail: 'The task is not a running task of a service.' });
      else found.push(task);
    }
    return { found, failures };
  };
  /** When protection ends, the scheduler does what it put off. */
  const lookLater = (task: Task): void => {
    const service = [...ecs.services.values()].find((one) => one.tasks.has(task));
    if (service === undefined) return;
    ecs.look(service);
    if (task.protectedUntil !== undefined)
      site.world.clock.at(task.protectedUntil, `task ${task.settings.id} is protected no more`, bound(ecs, ecs.look, service));
  };
  return {
    UpdateTaskProtection: {
      authorize: on('UpdateTaskProtection'),
      handle: ({ cluster, tasks = [], protectionEnabled, expiresInMinutes }: UpdateTaskProtectionRequest) => {
        const { name } = ecs.cluster(cluster);
        if (tasks.length === 0) throw invalid('Tasks cannot be empty.');
        if (tasks.length > MOST_TASKS.update) throw invalid(`Tasks cannot have more than ${MOST_TASKS.update} elements.`);
        const minutes = expiresInMinutes ?? PERIOD.usual;
        if (minutes < 1 || minutes > PERIOD.most) throw invalid(`expiresInMinutes must be between 1 and ${PERIOD.most}.`);
        const { found, failures } = sort(name, tasks);
        for (const task of found) {
          task.protectedUntil = protectionEnabled === true ? now() + minutes * MINUTE : undefined;
          lookLater(task);
        }
        return { protectedTasks: found.map(describe), failures };
      },
    },
    GetTaskProtection: {
      authorize: on('GetTaskProtection'),
      handle: ({ cluster, tasks = [] }: GetTaskProtectionRequest) => {
        const { name } = ecs.cluster(cluster);
        if (tasks.length > MOST_TASKS.get) throw invalid(`Tasks cannot have more than ${MOST_TASKS.get} elements.`);
        const all = ecs.tasksIn(name).filter(({ settings }) => settings.owner !== undefined);
        const { found, failures } = sort(name, tasks.length > 0 ? tasks : all.map(({ settings }) => settings.arn));
        return { protectedTasks: found.map(describe), failures };
      },
    },
  };
}
