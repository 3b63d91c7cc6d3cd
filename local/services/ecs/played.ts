/** Containers that local AWS plays: they behave as the labels of their images say. */
import { bound } from '../../core/bound.ts';
import type { Clock } from '../../core/clock.ts';
import { type HttpRequest, type HttpResponse, textResponse } from '../../core/http.ts';
import type { Random } from '../../core/random.ts';
import { type Behaviour, healthCheckOf, statusOf } from './behaviour.ts';
import type { ContainerRuntime, TaskReports } from './runtime.ts';
import type { Task, TaskContainer } from './task.ts';

/** How long that takes, in milliseconds: half a minute to RUNNING is ordinary on Fargate. */
const TAKES = { pull: 12_000, neverStarting: 180_000, activating: 1000, stopping: 2000 };

/** 128 + 15: what ECS shows of a program that SIGTERM ended. One that outlasts it would show 137. */
const TERMINATED = 143;

interface Names {
  readonly service: string;
  readonly container: string;
  readonly image: string;
}

export class PlayedContainers implements ContainerRuntime {
  private readonly clock: Clock;
  private readonly random: Random;
  private readonly reports: TaskReports;

  constructor(clock: Clock, random: Random, reports: TaskReports) {
    this.clock = clock;
    this.random = random;
    this.reports = reports;
  }

  pull(task: Task): void {
    const refusal = task.containers.find(({ behaviour }) => behaviour?.neverStarts)?.behaviour?.neverStarts;
    if (refusal !== undefined) task.after(this.clock, TAKES.neverStarting, 'cannot start', bound(this, this.fails, task, refusal));
    else task.after(this.clock, TAKES.pull, 'has its images', bound(this, this.pulled, task));
  }

  start(task: Task): void {
    for (const container of task.containers) {
      const { exit } = container.behaviour!;
      const check = healthCheckOf(container.definition, container.behaviour!);
      if (check)
        task.after(
          this.clock,
          check.after,
          `container ${container.definition.name} is checked`,
          bound(this, this.checked, task, container, check.health),
        );
      if (exit)
        task.after(
          this.clock,
          exit.after,
          `container ${container.definition.name} exits`,
          bound(this, this.exits, task, container, exit.code),
        );
    }
    for (const container of task.containers) this.reports.started(task, container, `${task.settings.id}-${this.random.hex(10)}`);
    const slowest = Math.max(...task.containers.map(({ behaviour }) => behaviour!.healthyAfter));
    task.after(this.clock, slowest, 'answers', bound(this, this.answers, task));
  }

  stop(task: Task): void {
    const ran = task.moments.startedAt !== undefined;
    task.after(this.clock, ran ? TAKES.stopping : 0, 'ends its containers', bound(this, this.ends, task));
  }

  private fails(task: Task, reason: string): void {
    this.reports.failed(task, reason);
  }

  private pulled(task: Task): void {
    this.reports.pulled(task);
  }

  private checked(task: Task, container: TaskContainer, health: 'HEALTHY' | 'UNHEALTHY'): void {
    this.reports.health(task, container, health);
  }

  private exits(task: Task, container: TaskContainer, code: number): void {
    this.reports.exited(task, container, code);
  }

  private answers(task: Task): void {
    this.reports.answers(task);
  }

  private ends(task: Task): void {
    // They are told to end, by SIGTERM, and have no words of their own for it.
    for (const container of task.containers) if (container.lastStatus === 'RUNNING') this.reports.exited(task, container, TERMINATED);
    this.reports.ended(task);
  }

  firstWords({ behaviour }: TaskContainer): readonly string[] {
    return behaviour!.log;
  }

  target({ settings }: Task, { definition, image, behaviour }: TaskContainer) {
    return {
      respond: bound(this, this.respond, { service: settings.owner!.service, container: definition.name!, image }, behaviour!),
      startsHealthyAt: this.clock.now() + TAKES.activating + behaviour!.healthyAfter,
    };
  }
  /** Answers as the labels of the image say. */
  private respond(names: Names, { responses }: Behaviour, { path }: HttpRequest): HttpResponse {
    return textResponse(statusOf(responses, path), JSON.stringify(names), { 'content-type': 'application/json' });
  }
}
