/** Deployments that shift traffic (blue/green, canary, linear): their way through the lifecycle stages, and back. */
import type { DeploymentLifecycleHookStage } from '@aws-sdk/client-ecs';
import { bound } from '../../core/bound.ts';
import { ServiceError } from '../../core/service.ts';
import { Course, Interrupted } from './course.ts';
import { Hooks, type HookWeights } from './hooks.ts';
import type { Lifecycle, Stage } from './lifecycle.ts';
import type { EcsParts, Shifting } from './parts.ts';
import type { Deployment } from './revision.ts';
import type { Service, ServiceDeployment } from './service.ts';
import { stepBakeOf, stepsOf } from './strategy.ts';
import { StageFailure, Traffic } from './traffic.ts';

/** How long a stage takes at the least. Its documentation names no time. */
const STAGE = 1000;
const MINUTE = 60_000;
/** "The system times out, fails the deployment, and then initiates a rollback after a stage reaches 24 hours." */
const LONGEST = 24 * 60 * MINUTE;

const NO_WEIGHTS: HookWeights = { testTrafficWeights: {}, productionTrafficWeights: {} };

/** https://docs.aws.amazon.com/AmazonECS/latest/developerguide/blue-green-deployment-how-it-works.html */
export class TrafficShifting implements Shifting {
  readonly hooks: Hooks;
  readonly traffic: Traffic;
  private readonly ecs: EcsParts;

  constructor(ecs: EcsParts) {
    this.ecs = ecs;
    this.hooks = new Hooks(ecs);
    this.traffic = new Traffic(ecs.site);
  }

  private newCourse(): Course {
    return new Course(this.ecs.site.world.clock);
  }

  plan(service: Service, green: Deployment, before: readonly Deployment[]): Lifecycle {
    // A deployment that was broken off after all traffic went to it serves, although it was never completed.
    const served = service.history.at(-1)?.lifecycle;
    const blue = service.lastCompleted ?? (served?.production === 100 ? served.green : undefined);
    return {
      blue,
      green,
      others: before.filter((one) => one !== blue),
      othersEnd: false,
      keeps: new Set(blue === undefined ? [] : [blue]),
      reached: new Set(),
      stage: undefined,
      routes: served?.routes ?? [],
      production: 0,
      test: 0,
      hooks: [],
      course: this.newCourse(),
    };
  }

  start(service: Service, one: ServiceDeployment, life: Lifecycle): Promise<void> {
    return this.live(service, one, life, (course) => this.forth(course, service, one, life));
  }

  halt({ course }: Lifecycle): void {
    course.stop();
  }

  goBack(service: Service, one: ServiceDeployment, life: Lifecycle): void {
    life.course.stop();
    this.hooks.close(life);
    const { clock } = this.ecs.site.world;
    clock.after(0, `deployment of ${service.name} goes back`, bound(this, this.goBackNow, service, one, life));
  }

  private goBackNow(service: Service, one: ServiceDeployment, life: Lifecycle): Promise<void> | undefined {
    return one.status === 'ROLLBACK_IN_PROGRESS'
      ? this.live(service, one, life, (course) => this.back(course, service, one, life))
      : undefined;
  }

  pass(service: Service, one: ServiceDeployment, life: Lifecycle): void {
    if (one.status !== 'IN_PROGRESS' && !one.status.startsWith('ROLLBACK')) return;
    for (const deployment of service.deployments)
      if (life.othersEnd || !life.others.includes(deployment))
        this.ecs.scheduler.keep(service, deployment, life.keeps.has(deployment) ? service.desiredCount : 0);
    life.course.look();
  }

  private async live(service: Service, one: ServiceDeployment, life: Lifecycle, way: (course: Course) => Promise<void>): Promise<void> {
    const course = this.newCourse();
    life.course = course;
    this.ecs.look(service);
    try {
      await way(course);
    } catch (error) {
      if (error instanceof Interrupted) return;
      if (!(error instanceof StageFailure)) throw error;
      course.stop();
      this.ecs.deployments.broken(service, one, error.message);
    }
  }

  private async forth(course: Course, service: Service, one: ServiceDeployment, life: Lifecycle): Promise<void> {
    const { blue, green } = life;
    const { configuration } = one;
    if (life.others.length > 0 && blue !== undefined) await this.reconcile(course, service, one, life);
    life.routes = await this.traffic.routes(course, green.revision.loadBalancers);
    green.loadBalancers = green.revision.loadBalancers.map((balancer, index) => ({
      ...balancer,
      targetGroupArn: life.routes[index]!.green,
    }));
    this.endOthers(service, life);
    await this.stage(course, service, one, life, 'PRE_SCALE_UP');

    this.enter(one, life, 'SCALE_UP');
    life.keeps.add(green);
    this.ecs.look(service);
    const scaled = await course.within(LONGEST, `the scale-up of ${service.name} takes too long`, (part) =>
      part.until(() => this.isUp(service, green)),
    );
    if (scaled === 'late') throw new StageFailure('Service deployment rolled back because the SCALE_UP stage timed out.');
    await this.stage(course, service, one, life, 'POST_SCALE_UP');

    await this.shift(course, service, one, life, 'test', 100);
    await this.stage(course, service, one, life, 'POST_TEST_TRAFFIC_SHIFT');
    for (const percent of stepsOf(configuration)) {
      await this.stage(course, service, one, life, 'PRE_PRODUCTION_TRAFFIC_SHIFT', this.weights(life, 'production'));
      await this.shift(course, service, one, life, 'production', percent);
      // "This bake time is not applied after reaching 100 percent traffic."
      if (percent < 100) await course.wait(stepBakeOf(configuration) * MINUTE, `${service.name} bakes at ${percent} %`);
    }
    await this.stage(course, service, one, life, 'POST_PRODUCTION_TRAFFIC_SHIFT');
    this.enter(one, life, 'BAKE_TIME');
    await course.wait((configuration.bakeTimeInMinutes ?? 0) * MINUTE, `${service.name} has baked`);

    this.enter(one, life, 'CLEAN_UP');
    service.lastCompleted = green;
    if (blue !== undefined) life.keeps.delete(blue);
    this.ecs.look(service);
    await course.until(() => this.isUp(service, green) && (blue === undefined || this.isGone(service, blue)));
    this.ecs.deployments.conclude(service, one);
  }

  /** Several revisions are there: traffic goes to the one that held last, the half deployed ones end. */
  private async reconcile(course: Course, service: Service, one: ServiceDeployment, life: Lifecycle): Promise<void> {
    await this.stage(course, service, one, life, 'RECONCILE_SERVICE');
    await this.serveBlue(course, service, life, life.blue!);
    this.endOthers(service, life);
    await course.until(() => life.others.every((other) => this.isGone(service, other)));
  }

  /** All traffic to what held last, by the routes of the deployment before: its green may be blue now. */
  private async serveBlue(course: Course, service: Service, life: Lifecycle, blue: Deployment): Promise<void> {
    await course.until(() => this.isUp(service, blue));
    const groups = blue.loadBalancers.map(({ targetGroupArn }) => targetGroupArn);
    await this.guard('RECONCILE_SERVICE', async () => {
      for (const kind of ['production', 'test'] as const)
        for (const route of life.routes) await this.traffic.shift(course, [route], kind, groups.includes(route.green) ? 100 : 0);
    });
  }

  private endOthers(service: Service, life: Lifecycle): void {
    life.othersEnd = true;
    this.ecs.look(service);
  }

  private async back(course: Course, service: Service, one: ServiceDeployment, life: Lifecycle): Promise<void> {
    const { blue, green } = life;
    if (blue === undefined) return;
    life.keeps.add(blue);
    this.ecs.look(service);
    if (life.others.length > 0 && !life.othersEnd) await this.serveBlue(course, service, life, blue);
    this.endOthers(service, life);
    if (life.production > 0 || life.test > 0) await course.until(() => this.isUp(service, blue));
    // "Amazon ECS re-invokes hooks registered at the PRODUCTION_TRAFFIC_SHIFT and TEST_TRAFFIC_SHIFT stages."
    if (life.reached.has('PRODUCTION_TRAFFIC_SHIFT')) await this.shift(course, service, one, life, 'production', 0);
    if (life.reached.has('TEST_TRAFFIC_SHIFT')) await this.shift(course, service, one, life, 'test', 0);
    this.enter(one, life, 'CLEAN_UP');
    life.keeps.delete(green);
    service.lastCompleted = blue;
    this.ecs.look(service);
    await course.until(() => this.isUp(service, blue) && [green, ...life.others].every((other) => this.isGone(service, other)));
    this.ecs.deployments.conclude(service, one);
  }

  private isUp(service: Service, deployment: Deployment): boolean {
    const { healthy, wanted } = this.ecs.scheduler.countOf(service, deployment);
    return wanted === service.desiredCount && healthy === wanted;
  }

  /** "The blue service revision has completely scaled down to 0 running tasks." */
  private isGone(service: Service, deployment: Deployment): boolean {
    return ![...service.tasks].some((task) => task.settings.owner?.deployment === deployment.id && !task.isGone);
  }

  private enter(one: ServiceDeployment, life: Lifecycle, stage: Stage): void {
    life.stage = stage;
    life.reached.add(stage);
    one.updatedAt = this.ecs.site.world.clock.now();
  }

  private async stage(
    course: Course,
    service: Service,
    one: ServiceDeployment,
    life: Lifecycle,
    stage: Stage & DeploymentLifecycleHookStage,
    weights = NO_WEIGHTS,
  ): Promise<void> {
    this.enter(one, life, stage);
    await course.wait(STAGE, `${service.name} is at ${stage}`);
    await this.hooks.run(course, service, one, stage, weights);
  }

  /** Moves traffic while the hooks of that stage run: "all hooks configured at the same lifecycle stage run in parallel". */
  private async shift(
    course: Course,
    service: Service,
    one: ServiceDeployment,
    life: Lifecycle,
    kind: 'production' | 'test',
    percent: number,
  ): Promise<void> {
    const stage = kind === 'production' ? 'PRODUCTION_TRAFFIC_SHIFT' : 'TEST_TRAFFIC_SHIFT';
    const isBack = one.status === 'ROLLBACK_IN_PROGRESS';
    this.enter(one, life, stage);
    await this.guard(stage, () => this.traffic.shift(course, life.routes, kind, percent));
    life[kind] = percent;
    one.updatedAt = this.ecs.site.world.clock.now();
    await course.wait(STAGE, `${service.name} is at ${stage}`);
    try {
      await this.hooks.run(course, service, one, stage, this.weights(life, kind));
    } catch (error) {
      // What a hook says of a rollback does not stop it.
      if (!(isBack && error instanceof StageFailure)) throw error;
    }
  }

  /** Errors of the load balancer are those of the stage. */
  private async guard(stage: Stage, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      throw new StageFailure(`Service deployment rolled back because ${stage} lifecycle hook(s) failed. ${error.message}`);
    }
  }

  private weights({ blue, green, production, test }: Lifecycle, kind: 'production' | 'test'): HookWeights {
    const percent = kind === 'production' ? production : test;
    const weights = { [green.revision.arn]: percent, ...(blue === undefined ? {} : { [blue.revision.arn]: 100 - percent }) };
    return kind === 'production'
      ? { testTrafficWeights: {}, productionTrafficWeights: weights }
      : { testTrafficWeights: weights, productionTrafficWeights: {} };
  }
}
