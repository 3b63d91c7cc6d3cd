/** What runs the containers of tasks: local AWS itself, which plays them, or somebody outside who runs them for real. */
import type { Principal } from '../../core/service.ts';
import type { TargetRegistration } from '../elasticloadbalancing/targets.ts';
import type { Task, TaskContainer } from './task.ts';

/** What a container is made from: all that ECS resolves before it starts one. */
export interface ContainerSource {
  readonly container: TaskContainer;
  /** In the local ECR; absent for an image of another registry. */
  readonly ecr?: {
    readonly repository: string;
    readonly digest: string;
    /** Who pulls: a session of the execution role. */
    readonly principal: Principal | undefined;
  };
  /** By the name of the variable. */
  readonly secrets: Readonly<Record<string, string>>;
}

/** Runs containers. Whatever happens to them it tells a {@link TaskReports}, now or later. */
export interface ContainerRuntime {
  /** Fetches the images; then {@link TaskReports.pulled} or {@link TaskReports.failed}. */
  pull(task: Task, sources: readonly ContainerSource[]): void;
  /** Starts the containers: each tells {@link TaskReports.started}. */
  start(task: Task): void;
  /** Ends the containers, those that run and those that were about to; then {@link TaskReports.ended}. */
  stop(task: Task): void;
  /** What a container says at its start. */
  firstWords(container: TaskContainer): readonly string[];
  /** Who answers the requests of a load balancer. */
  target(task: Task, container: TaskContainer, port: number): Pick<TargetRegistration, 'respond' | 'startsHealthyAt' | 'isProbedOutside'>;
}

/** What ECS hears of containers. Nothing of it is wrong for a task that is ending or over. */
export interface TaskReports {
  pulled(task: Task): void;
  /** The task cannot start, or not go on: `reason` in AWS's words. */
  failed(task: Task, reason: string, container?: TaskContainer): void;
  started(task: Task, container: TaskContainer, runtimeId: string): void;
  /** It takes requests, as far as anybody can tell from outside. */
  answers(task: Task): void;
  health(task: Task, container: TaskContainer, health: 'HEALTHY' | 'UNHEALTHY'): void;
  said(task: Task, container: TaskContainer, lines: readonly string[]): void;
  exited(task: Task, container: TaskContainer, code: number, reason?: string): void;
  /** No container of it is left. */
  ended(task: Task): void;
}
