/** Asynchronous invocations: queued, tried again after errors, and handed to a destination or a dead-letter queue in the end. */
import { bound } from '../../core/bound.ts';
import type { Principal } from '../../core/service.ts';
import { ServiceError } from '../../core/service.ts';
import type { Site } from '../../core/site.ts';
import { type Delivery, deliver } from '../events/delivery.ts';
import type { EventInvokeConfig, LambdaFunction } from './function.ts';
import type { Invocations, Invoked, Request } from './invocation.ts';

/** How long an event lies in the queue before its first try (milliseconds; judgement). */
const QUEUED = 20;
/** Waits before the retries of a function error. https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html */
const RETRY = [60_000, 120_000];
/** Waits after a throttle grow from a second to five minutes, for at most six hours. */
const THROTTLED = { first: 1_000, most: 300_000 };

const defaults: EventInvokeConfig = { maximumRetryAttempts: 2, maximumEventAgeInSeconds: 21_600 };

type Condition = 'Success' | 'RetriesExhausted' | 'EventAgeExceeded' | 'ZeroReservedConcurrency';

/** An event that waits for its next attempt. */
interface QueuedEvent {
  readonly request: Request;
  readonly config: EventInvokeConfig;
  /** Milliseconds since the epoch. */
  readonly taken: number;
  tries: number;
  throttles: number;
}

export interface AsynchronousHost {
  readonly site: Site;
  readonly invocations: Invocations;
  /** The role of a function as the caller of its destinations. */
  principal(owner: LambdaFunction): Principal;
}

export class AsynchronousInvocations {
  private readonly host: AsynchronousHost;

  constructor(host: AsynchronousHost) {
    this.host = host;
  }

  /** Takes an event; the function runs a moment later. */
  queue(request: Request, qualifier: string | undefined): void {
    const { clock } = this.host.site.world;
    const config = { ...defaults, ...request.owner.eventInvoke.get(qualifier ?? '$LATEST') };
    const event: QueuedEvent = { request, config, taken: clock.now(), tries: 0, throttles: 0 };
    clock.after(QUEUED, `an event for ${request.owner.name}`, bound(this, this.attempt, event));
  }

  private async attempt(event: QueuedEvent): Promise<void> {
    const { clock } = this.host.site.world;
    const { request, config, taken } = event;
    if (request.owner.reservedConcurrency === 0) return this.finish(request, config, 'ZeroReservedConcurrency', event.tries);
    let invoked: Invoked;
    try {
      invoked = await this.host.invocations.run(request);
    } catch (error) {
      if (!(error instanceof ServiceError) || error.code !== 'TooManyRequestsException') throw error;
      const wait = Math.min(THROTTLED.first * 2 ** event.throttles++, THROTTLED.most);
      if (clock.now() + wait > taken + config.maximumEventAgeInSeconds * 1000)
        return this.finish(request, config, 'EventAgeExceeded', event.tries);
      clock.after(wait, `a throttled event for ${request.owner.name}`, bound(this, this.attempt, event));
      return;
    }
    event.tries++;
    if (invoked.functionError === undefined) return this.finish(request, config, 'Success', event.tries, invoked);
    if (event.tries > config.maximumRetryAttempts) return this.finish(request, config, 'RetriesExhausted', event.tries, invoked);
    const wait = RETRY[event.tries - 1] ?? RETRY.at(-1)!;
    if (clock.now() + wait > taken + config.maximumEventAgeInSeconds * 1000)
      return this.finish(request, config, 'EventAgeExceeded', event.tries, invoked);
    clock.after(wait, `a failed event for ${request.owner.name} is tried again`, bound(this, this.attempt, event));
  }

  /** https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html */
  private async finish(request: Request, config: EventInvokeConfig, condition: Condition, tries: number, invoked?: Invoked): Promise<void> {
    const { owner, requestId, payload, version } = request;
    const { site } = this.host;
    const destination = condition === 'Success' ? config.onSuccess : config.onFailure;
    const record = {
      version: '1.0',
      timestamp: new Date(site.world.clock.now()).toISOString(),
      requestContext: { requestId, functionArn: request.invokedArn, condition, approximateInvokeCount: tries },
      requestPayload: JSON.parse(payload) as unknown,
      ...(invoked
        ? {
            responseContext: {
              statusCode: 200,
              executedVersion: invoked.executedVersion,
              ...(invoked.functionError ? { functionError: invoked.functionError } : {}),
            },
            responsePayload: JSON.parse(invoked.payload) as unknown,
          }
        : {}),
    };
    if (destination !== undefined)
      await this.send(owner, {
        arn: destination,
        body: JSON.stringify(record),
        event: { source: 'lambda', detailType: `Lambda Function Invocation Result - ${condition === 'Success' ? 'Success' : 'Failure'}` },
      });
    if (condition !== 'Success' && version.deadLetterArn !== undefined) {
      const failure = invoked && (JSON.parse(invoked.payload) as { errorMessage?: string });
      await this.send(owner, {
        arn: version.deadLetterArn,
        body: payload,
        attributes: { RequestID: requestId, ErrorCode: '200', ErrorMessage: String(failure?.errorMessage ?? condition).slice(0, 1024) },
      });
    }
  }

  /** A destination that refuses loses the record, as on AWS, where only a metric tells. The log says so here. */
  private async send(owner: LambdaFunction, delivery: Delivery): Promise<void> {
    try {
      await deliver(this.host.site, this.host.principal(owner), delivery);
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
    }
  }
}
