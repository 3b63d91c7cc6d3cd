/** Lifecycle hooks: pauses that wait for ContinueServiceDeployment, and Lambda functions that are asked. */
import type { InvocationResponse } from '@aws-sdk/client-lambda';
import { ServiceError } from '../../core/service.ts';
import type { EcsAccount } from './account.ts';
import type { Course } from './course.ts';
import type { HookRun, Lifecycle } from './lifecycle.ts';
import { invalid } from './names.ts';
import { RUNNING_STATUSES, type Service, type ServiceDeployment } from './service.ts';
import { timeoutOf, typeOf } from './strategy.ts';
import { assumeForEcs, isPassing, StageFailure } from './traffic.ts';

type HookStage = HookRun['stage'];

/** Traffic as a hook hears of it: percentages by the ARN of the revision; empty where the stage moves none. */
export interface HookWeights {
  readonly testTrafficWeights: Readonly<Record<string, number>>;
  readonly productionTrafficWeights: Readonly<Record<string, number>>;
}

const MINUTE = 60_000;
/** "By default, the delay is 30 seconds." https://docs.aws.amazon.com/AmazonECS/latest/developerguide/lambda-lifecycle-hooks.html */
const CALL_BACK = 30;
const ID = /^ecs-[a-z]+-.+$/;
const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

const failed = (stage: HookStage, why: string) =>
  new StageFailure(`Service deployment rolled back because ${stage} lifecycle hook(s) failed. ${why}`);

interface Answer {
  readonly hookStatus?: unknown;
  readonly callBackDelay?: unknown;
  readonly hookDetails?: unknown;
}

export class Hooks {
  private readonly ecs: EcsAccount;

  constructor(ecs: EcsAccount) {
    this.ecs = ecs;
  }

  /**
   * Runs the hooks of a stage side by side, until all of them let the deployment go on.
   * @throws StageFailure as soon as one of them says no
   */
  async run(course: Course, service: Service, one: ServiceDeployment, stage: HookStage, weights: HookWeights): Promise<void> {
    const hooks = (one.configuration.lifecycleHooks ?? []).filter(({ lifecycleStages = [] }) => lifecycleStages.includes(stage));
    const { lifecycle } = one;
    if (hooks.length === 0 || lifecycle === undefined) return;
    const runs = hooks.map((hook): HookRun => {
      const kind = typeOf(hook) === 'PAUSE' ? 'pause' : 'lambda';
      const id = Array.from({ length: 43 }, () => BASE64URL[this.ecs.random.integer(64)]).join('');
      const expiresAt = this.ecs.site.world.clock.now() + timeoutOf(hook) * MINUTE;
      return { id: `ecs-${kind}-${id}`, hook, stage, expiresAt, status: kind === 'pause' ? 'AWAITING_ACTION' : 'IN_PROGRESS' };
    });
    lifecycle.hooks.push(...runs);
    await Promise.all(
      runs.map((run) =>
        typeOf(run.hook) === 'PAUSE' ? this.pause(course, service, one, run) : this.ask(course, service, one, run, weights),
      ),
    );
  }

  private tell(service: Service, one: ServiceDeployment, run: HookRun, status: HookRun['status']): void {
    run.status = status;
    one.updatedAt = this.ecs.site.world.clock.now();
    this.ecs.events.hook(service, one.arn, run);
  }

  private async pause(course: Course, service: Service, one: ServiceDeployment, run: HookRun): Promise<void> {
    this.tell(service, one, run, 'AWAITING_ACTION');
    const wait = (part: Course) =>
      part.listen<'CONTINUE' | 'ROLLBACK'>((resolve) => {
        run.decide = resolve;
        return () => delete run.decide;
      });
    const action = await course.within(timeoutOf(run.hook) * MINUTE, `hook ${run.id} times out`, wait);
    if (action === 'late') this.timeOut(service, one, run, `${run.stage} pause hook timed out.`);
    else this.tell(service, one, run, action === 'CONTINUE' ? 'SUCCEEDED' : 'FAILED');
    if (action === 'ROLLBACK')
      throw new StageFailure(`Service deployment rolled back because ROLLBACK was requested for the ${run.stage} pause hook.`);
  }

  private timeOut(service: Service, one: ServiceDeployment, run: HookRun, why: string): void {
    this.tell(service, one, run, 'TIMED_OUT');
    if (run.hook.timeoutConfiguration?.action !== 'CONTINUE') throw new StageFailure(`Service deployment rolled back because ${why}`);
  }

  private async ask(course: Course, service: Service, one: ServiceDeployment, run: HookRun, weights: HookWeights): Promise<void> {
    this.tell(service, one, run, 'IN_PROGRESS');
    try {
      const answered = await course.within(timeoutOf(run.hook) * MINUTE, `hook ${run.id} times out`, (part) =>
        this.askUntilDecided(part, service, one, run, weights),
      );
      if (answered === 'late') this.timeOut(service, one, run, `${run.stage} lifecycle hook timed out.`);
      else this.tell(service, one, run, 'SUCCEEDED');
    } catch (error) {
      if (error instanceof StageFailure && run.status === 'IN_PROGRESS') this.tell(service, one, run, 'FAILED');
      throw error;
    }
  }

  private async askUntilDecided(
    course: Course,
    service: Service,
    one: ServiceDeployment,
    run: HookRun,
    weights: HookWeights,
  ): Promise<void> {
    const executionId = this.ecs.random.uuid();
    const target = run.hook.hookTargetArn!;
    let details: unknown = run.hook.hookDetails;
    for (;;) {
      const answer = await this.invoke(course, run, {
        executionId,
        lifecycleStage: run.stage,
        resourceArn: one.arn,
        executionDetails: { ...weights, serviceArn: service.arn, targetServiceRevisionArn: one.target.arn },
        ...(details === undefined ? {} : { hookDetails: details }),
      });
      if (answer.hookStatus === 'SUCCEEDED') return;
      if (answer.hookStatus === 'FAILED') throw failed(run.stage, `Lifecycle hook target ${target} returned FAILED status.`);
      if (answer.hookStatus !== 'IN_PROGRESS')
        throw failed(
          run.stage,
          `ECS was unable to parse the response from ${target} due to ${answer.hookStatus === undefined ? 'HookStatus must not be null' : `the unknown HookStatus ${JSON.stringify(answer.hookStatus)}`}.`,
        );
      if (isRecord(answer.hookDetails)) details = { ...(isRecord(details) ? details : {}), ...answer.hookDetails };
      const seconds = typeof answer.callBackDelay === 'number' && answer.callBackDelay >= 0 ? answer.callBackDelay : CALL_BACK;
      await course.wait(seconds * 1000, `hook ${run.id} is asked again`);
    }
  }

  private async invoke(course: Course, { hook, stage, id }: HookRun, event: object): Promise<Answer> {
    const target = hook.hookTargetArn!;
    const [, , , region = '', account = ''] = target.split(':');
    let principal: ReturnType<typeof assumeForEcs>;
    try {
      principal = assumeForEcs(this.ecs.site, hook.roleArn!, 'ECS-Lambda-Execution');
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      throw failed(stage, `ECS was unable to assume role ${hook.roleArn}`);
    }
    for (;;)
      try {
        const Payload = new TextEncoder().encode(JSON.stringify(event));
        const site = this.ecs.site.world.site(account, region);
        const answer = await course.hear(site.call<InvocationResponse>(principal, 'lambda', 'Invoke', { FunctionName: target, Payload }));
        if (answer.FunctionError !== undefined) return {};
        const parsed: unknown = JSON.parse(new TextDecoder().decode(answer.Payload) || 'null');
        return isRecord(parsed) ? parsed : {};
      } catch (error) {
        if (!(error instanceof ServiceError)) throw error;
        if (!isPassing(error)) throw failed(stage, `ECS was unable to invoke hook target ${target} due to ${error.message}`);
        await course.wait(CALL_BACK * 1000, `hook ${id} is invoked again`);
      }
  }

  /**
   * ContinueServiceDeployment, in AWS's words: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/troubleshooting-blue-green.html
   * @throws ServiceError InvalidParameterException
   */
  decide({ status, lifecycle }: ServiceDeployment, hookId: string, action: 'CONTINUE' | 'ROLLBACK'): void {
    if (!ID.test(hookId)) throw invalid('Invalid hookId: hookId must follow the format: ecs-{hookType}-{id}');
    if (!RUNNING_STATUSES.includes(status))
      throw invalid('Continuing a service deployment is not allowed for service deployment in terminal states.');
    const run = lifecycle?.hooks.find(({ id }) => id === hookId);
    if (run?.decide === undefined)
      throw invalid('Provided hookId is either completed, unavailable, or not associated with the given Resource ARN');
    run.decide(action);
  }

  /** The deployment goes another way: nobody waits for its hooks any more. */
  close({ hooks }: Lifecycle): void {
    for (const run of hooks) if (run.status === 'AWAITING_ACTION' || run.status === 'IN_PROGRESS') run.status = 'FAILED';
  }
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
