/** The execution environments of a function: warm ones are used again, idle and old ones retired, more are started as invocations overlap. */
import type { Site } from '../../core/site.ts';
import { Environment } from '../../runtime/environment.ts';
import { FunctionLog } from '../../runtime/log.ts';
import type { ErrorPayload } from '../../runtime/outcome.ts';
import type { FunctionVersion, LambdaFunction } from './function.ts';

/**
 * "Every few hours": https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html.
 * Its credentials outlive it by an hour, so that an invocation of 15 minutes holds valid ones to its end.
 */
const LIFETIME = 2 * 3_600_000;
export const SESSION_SECONDS = 3 * 3_600;

export interface Warm {
  readonly environment: Environment;
  readonly version: FunctionVersion;
  readonly stream: string;
  readonly started: number;
  /** Requests that earlier invocations of this environment sent. */
  sent: number;
  idleSince: number;
}

export type Acquired = { readonly warm: Warm; readonly cold: boolean } | { readonly failed: ErrorPayload; readonly stream: string };

/** What the pool asks its service for. */
export interface PoolHost {
  readonly site: Site;
  /** Milliseconds after which an idle environment is retired. */
  idle(): number;
  /** Credentials for a session of a function's role. */
  session(roleArn: string, name: string): { accessKeyId: string; secretAccessKey: string; sessionToken: string };
  /** Where lines of a function's log go. */
  writer(owner: LambdaFunction, version: FunctionVersion, stream: string): (lines: readonly string[]) => void;
}

export class Pool {
  private readonly host: PoolHost;
  private readonly owner: LambdaFunction;
  private readonly idle: Warm[] = [];
  private count = 0;

  constructor(host: PoolHost, owner: LambdaFunction) {
    this.host = host;
    this.owner = owner;
  }

  /** A warm environment of this version, or a new one. */
  acquire(version: FunctionVersion): Acquired {
    const now = this.host.site.world.clock.now();
    const kept = this.idle.filter((warm) => this.isGood(warm, now));
    for (const warm of this.idle) if (!kept.includes(warm)) warm.environment.retire();
    this.idle.length = 0;
    this.idle.push(...kept);
    const index = this.idle.findLastIndex((warm) => warm.version === version);
    const [found] = index >= 0 ? this.idle.splice(index, 1) : [];
    return found ? { warm: found, cold: false } : this.start(version, now);
  }

  private isGood(warm: Warm, now: number): boolean {
    const current = warm.version === this.owner.latest || this.owner.versions.get(warm.version.version) === warm.version;
    return current && warm.environment.usable && now - warm.idleSince < this.host.idle() && now - warm.started < LIFETIME;
  }

  private start(version: FunctionVersion, now: number): Acquired {
    const { site } = this.host;
    const random = site.world.random.fork(`${this.owner.arn}:${version.version}/${++this.count}`);
    const stream = `${new Date(now).toISOString().slice(0, 10).replaceAll('-', '/')}/[${version.version}]${random.hex(32)}`;
    const write = this.host.writer(this.owner, version, stream);
    const { logging } = version;
    const log = new FunctionLog({
      now: () => site.world.clock.now(),
      write,
      format: logging.LogFormat ?? 'Text',
      ...(logging.ApplicationLogLevel ? { level: logging.ApplicationLogLevel } : {}),
    });
    log.platform(`INIT_START Runtime Version: ${version.runtime.replace('.x', '').replace('nodejs', 'nodejs:')}.v1`, 'platform.initStart', {
      initializationType: 'on-demand',
      phase: 'init',
    });
    const environment = new Environment({
      clock: site.world.clock,
      random,
      http: (request) => site.world.http(request),
      bundle: version.bundle,
      handler: version.handler,
      runtime: version.runtime,
      architecture: version.architecture,
      variables: this.variables(version, stream),
      log,
    });
    const failed = environment.start();
    if (failed) {
      write([`${new Date(now).toISOString()}\tundefined\tERROR\tUncaught Exception\t${JSON.stringify(failed)}`]);
      return { failed, stream };
    }
    return { warm: { environment, version, stream, started: now, sent: 0, idleSince: now }, cold: true };
  }

  /** https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html */
  private variables(version: FunctionVersion, stream: string): Record<string, string> {
    const { site } = this.host;
    const { name } = this.owner;
    const credentials = this.host.session(version.role, name);
    const json = version.logging.LogFormat === 'JSON';
    return {
      ...version.variables,
      AWS_REGION: site.region,
      AWS_DEFAULT_REGION: site.region,
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      AWS_SESSION_TOKEN: credentials.sessionToken,
      AWS_EXECUTION_ENV: `AWS_Lambda_${version.runtime}`,
      AWS_LAMBDA_FUNCTION_NAME: name,
      AWS_LAMBDA_FUNCTION_VERSION: version.version,
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(version.memory),
      AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
      AWS_LAMBDA_LOG_GROUP_NAME: version.logging.LogGroup ?? `/aws/lambda/${name}`,
      AWS_LAMBDA_LOG_STREAM_NAME: stream,
      ...(json ? { AWS_LAMBDA_LOG_FORMAT: 'JSON', AWS_LAMBDA_LOG_LEVEL: version.logging.ApplicationLogLevel ?? 'INFO' } : {}),
      _HANDLER: version.handler,
      LAMBDA_TASK_ROOT: '/var/task',
      LAMBDA_RUNTIME_DIR: '/var/runtime',
      LANG: 'en_US.UTF-8',
      TZ: ':UTC',
      PATH: '/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin',
    };
  }

  release(warm: Warm): void {
    warm.idleSince = this.host.site.world.clock.now();
    warm.sent = warm.environment.sent;
    if (this.isGood(warm, warm.idleSince)) this.idle.push(warm);
    else warm.environment.retire();
  }

  /** Ends all that is idle. */
  drain(): void {
    for (const warm of this.idle.splice(0)) warm.environment.retire();
  }
}
