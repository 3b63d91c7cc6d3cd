/** Runs one invocation of a function: concurrency, environment, log lines, bill. */
import { ServiceError } from '../../core/service.ts';
import type { Outcome } from '../../runtime/outcome.ts';
import { billOf, meterInvocation } from './billing.ts';
import type { FunctionVersion, LambdaFunction } from './function.ts';
import { Pool, type PoolHost } from './pool.ts';

/** Concurrent executions of an account in a Region. */
export const ACCOUNT_CONCURRENCY = 1_000;

export interface Invoked {
  readonly requestId: string;
  /** JSON text. */
  readonly payload: string;
  readonly functionError?: 'Unhandled';
  readonly executedVersion: string;
}

export interface Request {
  readonly owner: LambdaFunction;
  readonly version: FunctionVersion;
  /** As the caller named it. */
  readonly invokedArn: string;
  readonly requestId: string;
  /** JSON text. */
  readonly payload: string;
  readonly clientContext?: unknown;
}

export class Invocations {
  private readonly host: PoolHost;
  private readonly pools = new Map<LambdaFunction, Pool>();
  private running = 0;
  /** Reserved by all functions together. */
  reserved: () => number = () => 0;

  constructor(host: PoolHost) {
    this.host = host;
  }

  pool(owner: LambdaFunction): Pool {
    let pool = this.pools.get(owner);
    if (pool === undefined) {
      pool = new Pool(this.host, owner);
      this.pools.set(owner, pool);
    }
    return pool;
  }

  /** Ends every idle environment. */
  retire(): void {
    for (const pool of this.pools.values()) pool.drain();
  }

  forget(owner: LambdaFunction): void {
    this.pools.get(owner)?.drain();
    this.pools.delete(owner);
  }

  /** @throws ServiceError TooManyRequestsException where no concurrency is left */
  private admit(owner: LambdaFunction): void {
    const limit = owner.reservedConcurrency;
    const full = limit === undefined ? this.running >= ACCOUNT_CONCURRENCY - this.reserved() : owner.running >= limit;
    if (!full) return;
    throw new ServiceError('TooManyRequestsException', 'Rate Exceeded.', 429, {
      Type: 'User',
      Reason: limit === undefined ? 'ConcurrentInvocationLimitExceeded' : 'ReservedFunctionConcurrentInvocationLimitExceeded',
    });
  }

  /** @throws ServiceError TooManyRequestsException */
  async run(request: Request): Promise<Invoked> {
    const { owner } = request;
    this.admit(owner);
    owner.running++;
    if (owner.reservedConcurrency === undefined) this.running++;
    const counted = owner.reservedConcurrency === undefined;
    try {
      return await this.execute(request);
    } finally {
      owner.running--;
      if (counted) this.running--;
    }
  }

  private async execute({ owner, version, invokedArn, requestId, payload, clientContext }: Request): Promise<Invoked> {
    const { site } = this.host;
    const { clock, meter, random } = site.world;
    const pool = this.pool(owner);
    const labels = { function: owner.name, account: site.account, region: site.region };
    const began = clock.now();
    const acquired = pool.acquire(version);
    if ('failed' in acquired) {
      const use = { waited: 0, requests: 0, cold: true, memory: version.memory };
      meterInvocation(meter, use, billOf(use), labels);
      return { requestId, payload: JSON.stringify(acquired.failed), functionError: 'Unhandled', executedVersion: version.version };
    }
    const { warm, cold } = acquired;
    const write = this.host.writer(owner, version, warm.stream);
    const json = version.logging.LogFormat === 'JSON';
    const line = (text: string, type: string, record: object) =>
      write([json ? JSON.stringify({ time: new Date(clock.now()).toISOString(), type, record: { requestId, ...record } }) : text]);
    line(`START RequestId: ${requestId} Version: ${version.version}`, 'platform.start', { version: version.version });
    const trace = random.fork(requestId);
    const outcome = await warm.environment.invoke({
      requestId,
      payload,
      timeoutSeconds: version.timeout,
      traceId: `Root=1-${Math.floor(began / 1000)
        .toString(16)
        .padStart(8, '0')}-${trace.hex(24)};Parent=${trace.hex(16)};Sampled=0`,
      context: {
        functionName: owner.name,
        functionVersion: version.version,
        invokedFunctionArn: invokedArn,
        memoryLimitInMB: String(version.memory),
        logGroupName: version.logging.LogGroup ?? `/aws/lambda/${owner.name}`,
        logStreamName: warm.stream,
        awsRequestId: requestId,
        ...(clientContext === undefined ? {} : { clientContext }),
      },
    });
    const use = { waited: clock.now() - began, requests: warm.environment.sent - warm.sent, cold, memory: version.memory };
    const bill = billOf(use);
    meterInvocation(meter, use, bill, labels);
    if (outcome.kind === 'failed' && outcome.ended) this.sayEnd(write, json, requestId, outcome);
    line(`END RequestId: ${requestId}`, 'platform.runtimeDone', { status: outcome.kind === 'returned' ? 'success' : 'failure' });
    line(
      `REPORT RequestId: ${requestId}\tDuration: ${bill.duration.toFixed(2)} ms\tBilled Duration: ${bill.billed} ms\tMemory Size: ${version.memory} MB\tMax Memory Used: ${Math.min(version.memory, 96)} MB\t${
        cold ? `Init Duration: ${bill.init.toFixed(2)} ms\t` : ''
      }`,
      'platform.report',
      {
        metrics: {
          durationMs: bill.duration,
          billedDurationMs: bill.billed,
          memorySizeMB: version.memory,
          maxMemoryUsedMB: Math.min(version.memory, 96),
        },
      },
    );
    pool.release(warm);
    return {
      requestId,
      payload: outcome.kind === 'returned' ? outcome.payload : JSON.stringify(outcome.error),
      ...(outcome.kind === 'returned' ? {} : { functionError: 'Unhandled' as const }),
      executedVersion: version.version,
    };
  }

  /** The line that says why an environment ended. */
  private sayEnd(write: (lines: readonly string[]) => void, json: boolean, requestId: string, outcome: Outcome & { kind: 'failed' }): void {
    if (json) return;
    const { errorType, errorMessage } = outcome.error;
    const time = new Date(this.host.site.world.clock.now()).toISOString();
    if (errorType === 'Sandbox.Timedout') write([`${time} ${requestId} ${errorMessage.replace(/^.*Error: /, '')}`]);
    else write([errorMessage.startsWith('RequestId:') ? errorMessage : `RequestId: ${requestId} Error: ${errorMessage}`, errorType]);
  }
}
