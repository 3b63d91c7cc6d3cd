/** One build on its way through its phases. */
import type { Build, BuildPhase, BuildPhaseType, PhaseContext, StatusType } from '@aws-sdk/client-codebuild';
import { type Principal, ServiceError } from '../../core/service.ts';
import type { Site } from '../../core/site.ts';
import { type Buildspec, BuildspecError, type BuildspecPhase, COMMAND_PHASES, parseBuildspec } from './buildspec.ts';
import type { BuildLog } from './log.ts';
import { publishPhase, publishState } from './notifications.ts';
import type { ProjectSettings } from './project.ts';
import { Workspace } from './workspace.ts';

/** What ends a build from outside. */
type Interruption = 'STOPPED' | 'TIMED_OUT';

/** How a phase ends that does not succeed; thrown through the phases to the end of the build. */
class PhaseFailure extends Error {
  readonly status: StatusType;
  readonly context: PhaseContext | undefined;

  constructor(status: StatusType, context?: PhaseContext) {
    super(context?.message ?? status);
    this.status = status;
    this.context = context;
  }
}

export interface RunSettings {
  readonly site: Site;
  /** Changed as the build goes on. */
  readonly build: Build;
  readonly project: ProjectSettings;
  readonly role: Principal;
  readonly log: BuildLog;
  /** Seconds of virtual time that a phase takes, beside what its commands sleep and wait. */
  readonly durations: Readonly<Partial<Record<BuildPhaseType, number>>>;
  /** See {@link Workspace}. */
  readonly processLimit: number;
  /** Called when the build has ended, before its last event. */
  readonly ended: () => void;
}

export class Run {
  private readonly settings: RunSettings;
  private readonly build: Build;
  private readonly interrupted: Promise<Interruption>;
  private interrupt!: (reason: Interruption) => void;
  private workspace: Workspace | undefined;
  /** Of the first phase that failed. */
  private failed: StatusType | undefined;

  constructor(settings: RunSettings) {
    this.settings = settings;
    this.build = settings.build;
    this.interrupted = new Promise((resolve) => {
      this.interrupt = (reason) => {
        this.workspace?.kill();
        settings.log.output(this.workspace?.rest() ?? '');
        resolve(reason);
      };
    });
  }

  /** Ends the build now. */
  stop(): void {
    this.interrupt('STOPPED');
  }

  /** The first phase: whether the build may write its log. Later phases follow by themselves if so. */
  async submit(): Promise<void> {
    publishState(this.settings.site, this.build);
    let accepted = false;
    await this.phase('SUBMITTED', async () => {
      try {
        await this.settings.log.open();
      } catch (error) {
        if (!(error instanceof ServiceError)) throw error;
        const message = `Service role ${this.settings.project.serviceRole} does not allow AWS CodeBuild to create Amazon CloudWatch Logs log streams for build ${this.build.arn}. Error message: ${error.message}`;
        throw new PhaseFailure('FAILED', { statusCode: 'ACCESS_DENIED', message });
      }
      accepted = true;
    });
    if (accepted) void this.proceed();
    else await this.complete();
  }

  private async proceed(): Promise<void> {
    const { clock } = this.settings.site.world;
    const minutes = this.settings.project.timeoutInMinutes;
    try {
      await this.phase('QUEUED');
      const timeout = clock.after(minutes * 60_000, `${this.build.id} times out`, () => this.interrupt('TIMED_OUT'));
      try {
        await this.phase('PROVISIONING');
        await this.work();
        if (this.failed !== 'STOPPED' && this.failed !== 'TIMED_OUT') await this.phase('FINALIZING');
      } finally {
        clock.cancel(timeout);
      }
    } finally {
      await this.complete();
    }
  }

  /** https://docs.aws.amazon.com/codebuild/latest/userguide/view-build-details-phases.html */
  private async work(): Promise<void> {
    let spec: Buildspec | undefined;
    await this.phase('DOWNLOAD_SOURCE', async () => {
      spec = await this.prepare();
    });
    const { workspace } = this;
    if (spec === undefined || workspace === undefined) return;
    let goesOn = true;
    let aborted = false;
    for (const name of COMMAND_PHASES) {
      // A build that has begun is followed by its post_build, even if it failed.
      const runs = goesOn || (name === 'post_build' && this.began('BUILD'));
      if (!runs || aborted || this.isInterrupted) continue;
      const phase = spec.phases[name];
      const succeeded = await this.phase(name.toUpperCase() as BuildPhaseType, () => this.commands(phase));
      if (this.isInterrupted) return;
      if (!succeeded) {
        goesOn = phase?.onFailure === 'CONTINUE';
        aborted = phase?.onFailure === 'ABORT';
        await workspace.run('export CODEBUILD_BUILD_SUCCEEDING=0');
      }
      await this.export(spec);
    }
    if (this.began('BUILD') && !aborted) await this.phase('UPLOAD_ARTIFACTS');
  }

  private get isInterrupted(): boolean {
    return this.failed === 'STOPPED' || this.failed === 'TIMED_OUT';
  }

  private began(type: BuildPhaseType): boolean {
    return this.build.phases!.some(({ phaseType }) => phaseType === type);
  }

  /** Reads the buildspec and makes the place where its commands run. */
  private async prepare(): Promise<Buildspec> {
    const { site, project } = this.settings;
    let spec: Buildspec;
    try {
      spec = parseBuildspec(project.source.buildspec!);
    } catch (error) {
      if (!(error instanceof BuildspecError)) throw error;
      throw new PhaseFailure('FAILED', { statusCode: 'YAML_FILE_ERROR', message: error.message });
    }
    const variables = { ...this.ownVariables(), ...(await this.variables(spec)) };
    this.workspace = await Workspace.open(site.world, { shell: spec.shell, variables, limit: this.settings.processLimit });
    return spec;
  }

  /** https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-env-vars.html */
  private ownVariables(): Record<string, string> {
    const { build } = this;
    const { site, project } = this.settings;
    return {
      CI: 'true',
      AWS_DEFAULT_REGION: site.region,
      AWS_REGION: site.region,
      CODEBUILD_BUILD_ARN: build.arn!,
      CODEBUILD_BUILD_ID: build.id!,
      CODEBUILD_BUILD_IMAGE: project.environment.image!,
      CODEBUILD_BUILD_NUMBER: String(build.buildNumber),
      CODEBUILD_BUILD_SUCCEEDING: '1',
      CODEBUILD_INITIATOR: build.initiator!,
      CODEBUILD_KMS_KEY_ID: project.encryptionKey!,
      CODEBUILD_LOG_PATH: build.logs?.streamName ?? '',
      CODEBUILD_SOURCE_VERSION: build.sourceVersion ?? '',
      CODEBUILD_RESOLVED_SOURCE_VERSION: build.sourceVersion ?? '',
      CODEBUILD_START_TIME: String(build.startTime!.getTime()),
    };
  }

  /** StartBuild's and the project's variables come before those of the buildspec. */
  private async variables(spec: Buildspec): Promise<Record<string, string>> {
    const plain: Record<string, string> = { ...spec.variables };
    const stored: Record<string, string> = { ...spec.parameters };
    for (const { name, value, type } of this.settings.project.environment.environmentVariables ?? []) {
      delete plain[name!];
      delete stored[name!];
      (type === 'PARAMETER_STORE' ? stored : plain)[name!] = value!;
    }
    const names = [...new Set(Object.values(stored))];
    const found = new Map<string, string>();
    // GetParameters takes ten names.
    for (let start = 0; start < names.length; start += 10) {
      const { Parameters = [] } = await this.parameters(names.slice(start, start + 10));
      for (const { Name, Value } of Parameters) found.set(Name, Value);
    }
    for (const [variable, name] of Object.entries(stored)) {
      const value = found.get(name);
      if (value === undefined)
        throw new PhaseFailure('FAILED', { statusCode: 'Decrypted Variables Error', message: `parameter does not exist: ${name}` });
      plain[variable] = value;
    }
    return plain;
  }

  private async parameters(Names: readonly string[]): Promise<{ Parameters?: { Name: string; Value: string }[] }> {
    try {
      return await this.settings.site.call(this.settings.role, 'ssm', 'GetParameters', { Names, WithDecryption: true });
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      throw new PhaseFailure('FAILED', { statusCode: 'Decrypted Variables Error', message: `${error.code}: ${error.message}` });
    }
  }

  private async commands(phase: BuildspecPhase | undefined): Promise<void> {
    if (phase === undefined) return;
    let failure: PhaseFailure | undefined;
    for (const list of [phase.commands, phase.finally]) {
      try {
        for (const command of list) await this.command(command);
      } catch (error) {
        if (!(error instanceof PhaseFailure)) throw error;
        failure ??= error;
        if (error.status !== 'FAILED') break;
      }
    }
    if (failure !== undefined) throw failure;
  }

  private async command(command: string): Promise<void> {
    const { log } = this.settings;
    const workspace = this.workspace!;
    log.note(`Running command ${command}`);
    const outcome = await this.unlessInterrupted(workspace.run(command));
    log.output(outcome.output);
    // A process that never pauses would hold time for ever: it was ended, and the build runs into its time-out.
    if (workspace.overdue) await this.unlessInterrupted(new Promise<never>(() => undefined));
    if (outcome.status === 0) return;
    log.note(`Command did not exit successfully ${command} exit status ${outcome.status}`);
    throw new PhaseFailure('FAILED', {
      statusCode: 'COMMAND_EXECUTION_ERROR',
      message: `Error while executing command: ${command}. Reason: exit status ${outcome.status}`,
    });
  }

  /** @throws PhaseFailure when the build is stopped, or times out, before `work` has ended */
  private async unlessInterrupted<T>(work: Promise<T>): Promise<T> {
    const interrupted = this.interrupted.then((reason): never => {
      throw new PhaseFailure(
        reason,
        reason === 'TIMED_OUT' ? { statusCode: 'BUILD_TIMED_OUT', message: 'Build has timed out. ' } : undefined,
      );
    });
    return Promise.race([work, interrupted]);
  }

  private async export(spec: Buildspec): Promise<void> {
    if (spec.exported.length === 0) return;
    const values = await this.workspace!.read(spec.exported);
    const before = new Map(this.build.exportedEnvironmentVariables?.map(({ name, value }) => [name, value]));
    this.build.exportedEnvironmentVariables = spec.exported.map((name) => ({ name, value: values[name] ?? before.get(name) ?? '' }));
  }

  /** Begins and ends a phase; one that fails decides the build's outcome, and does not throw. */
  private async phase(phaseType: BuildPhaseType, work?: () => Promise<void>): Promise<boolean> {
    const { site, log, durations } = this.settings;
    const { clock } = site.world;
    const inContainer = this.workspace !== undefined || phaseType === 'DOWNLOAD_SOURCE';
    const phase: BuildPhase = { phaseType, startTime: new Date(clock.now()) };
    this.build.phases!.push(phase);
    this.build.currentPhase = phaseType;
    if (inContainer && work !== undefined) log.note(`Entering phase ${phaseType}`);
    let failure: PhaseFailure | undefined;
    try {
      await work?.();
    } catch (error) {
      failure =
        error instanceof PhaseFailure ? error : new PhaseFailure('FAULT', { statusCode: 'INTERNAL_SERVICE_ERROR', message: String(error) });
    }
    if (failure === undefined || failure.status === 'FAILED') {
      try {
        await this.wait((durations[phaseType] ?? 0) * 1000);
      } catch (error) {
        failure = error as PhaseFailure;
      }
    }
    phase.phaseStatus = failure?.status ?? 'SUCCEEDED';
    phase.endTime = new Date(clock.now());
    phase.durationInSeconds = Math.round((phase.endTime.getTime() - phase.startTime!.getTime()) / 1000);
    const context = failure?.context ?? (inContainer ? { statusCode: '', message: '' } : undefined);
    if (context !== undefined) phase.contexts = [context];
    if (failure !== undefined && (this.failed === undefined || failure.status !== 'FAILED')) this.failed = failure.status;
    if (inContainer) {
      log.note(`Phase complete: ${phaseType} State: ${phase.phaseStatus}`);
      log.note(`Phase context status code: ${context?.statusCode} Message: ${context?.message}`);
      await log.flush();
    }
    publishPhase(site, this.build, phase);
    return failure === undefined;
  }

  private async wait(milliseconds: number): Promise<void> {
    if (milliseconds <= 0) return;
    const { clock } = this.settings.site.world;
    let end!: () => void;
    const waited = new Promise<void>((resolve) => {
      end = resolve;
    });
    const timer = clock.after(milliseconds, `${this.build.id} goes on`, end);
    try {
      await this.unlessInterrupted(waited);
    } finally {
      clock.cancel(timer);
    }
  }

  private async complete(): Promise<void> {
    const { site } = this.settings;
    const { build } = this;
    this.workspace?.close();
    const endTime = new Date(site.world.clock.now());
    build.phases!.push({ phaseType: 'COMPLETED', startTime: endTime });
    build.currentPhase = 'COMPLETED';
    build.buildStatus = this.failed ?? 'SUCCEEDED';
    build.buildComplete = true;
    build.endTime = endTime;
    const labels = {
      account: site.account,
      region: site.region,
      project: build.projectName!,
      computeType: build.environment!.computeType!,
      environmentType: build.environment!.type!,
    };
    site.world.meter.record('codebuild.build', 1, labels);
    // Billed from the container's start, in whole minutes begun. https://aws.amazon.com/codebuild/pricing/
    const provisioned = build.phases!.find(({ phaseType }) => phaseType === 'PROVISIONING')?.startTime;
    if (provisioned !== undefined)
      site.world.meter.record('codebuild.minute', Math.max(1, Math.ceil((endTime.getTime() - provisioned.getTime()) / 60_000)), labels);
    this.settings.ended();
    publishState(site, build);
  }
}
