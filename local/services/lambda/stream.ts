/** Reads a table's stream for a function: batch by batch, in order, a bad batch split and tried again. */
import { type Bound, bound, type Listener } from '../../core/bound.ts';
import { ServiceError } from '../../core/service.ts';
import { deliver } from '../events/delivery.ts';
import { flatten, matches } from '../events/match.ts';
import type { EventPattern } from '../events/pattern.ts';
import { validPattern } from '../events/verdict.ts';
import type { LambdaFunctions } from './functions.ts';
import type { MappingSettings, Reader } from './reader.ts';

/** A record of a table's stream as functions get it. */
export interface StreamRecord {
  readonly dynamodb: { readonly SequenceNumber: string; readonly ApproximateCreationDateTime?: number };
}

/** What a table's service offers to whom it may notify. */
export interface StreamSource {
  onRecord(streamArn: string, listener: Listener<[records: readonly StreamRecord[]]>): unknown;
  offRecord(streamArn: string, listener: Listener<[records: readonly StreamRecord[]]>): void;
  /** What the stream still holds, oldest first. */
  records(streamArn: string): readonly StreamRecord[];
}

/** The pause before a failed batch is tried again grows up to this (milliseconds; judgement). */
const MOST_PAUSE = 60_000;

/** What a role must be allowed to read a stream. https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-create.html */
export const streamActions = ['GetRecords', 'GetShardIterator', 'DescribeStream', 'ListStreams'] as const;

/** A batch, or what is left of one that failed. */
interface Piece {
  records: readonly StreamRecord[];
  /** Its first attempt, in milliseconds since the epoch. */
  began: number | undefined;
  tries: number;
}

export class StreamReader implements Reader {
  private settings: MappingSettings;
  private stopped = false;
  private readonly lambda: LambdaFunctions;
  private patterns: EventPattern[];
  private readonly waiting: StreamRecord[] = [];
  /** What was taken out of {@link waiting} and is not done with, in order. */
  private readonly pieces: Piece[] = [];
  private busy = false;
  private readonly listener: Bound;

  /** @throws ServiceError ResourceNotFoundException */
  constructor(lambda: LambdaFunctions, settings: MappingSettings) {
    this.lambda = lambda;
    this.settings = settings;
    this.patterns = settings.filters.map(validPattern);
    this.listener = bound(this, this.take);
    if (settings.startingPosition === 'TRIM_HORIZON') this.take(this.source.records(settings.sourceArn));
    this.source.onRecord(settings.sourceArn, this.listener);
  }

  private get source(): StreamSource {
    return this.lambda.site.find('dynamodb') as unknown as StreamSource;
  }

  stop(): void {
    this.stopped = true;
    this.source.offRecord(this.settings.sourceArn, this.listener);
  }

  change(settings: MappingSettings): void {
    this.patterns = settings.filters.map(validPattern);
    this.settings = settings;
  }

  private take(records: readonly StreamRecord[]): void {
    if (this.stopped || !this.settings.enabled || records.length === 0) return;
    this.waiting.push(...records);
    if (!this.busy) this.poll();
  }

  private poll(): void {
    const { clock } = this.lambda.site.world;
    this.busy = true;
    const wait = this.waiting.length >= this.settings.batchSize ? 0 : this.settings.window * 1000;
    clock.after(wait, `records for ${this.settings.functionName}`, bound(this, this.drain));
  }

  /** Batch by batch, in order: a batch that fails holds up what follows. */
  private async drain(): Promise<void> {
    while (!this.stopped) {
      const piece = this.pieces[0] ?? this.next();
      if (piece === undefined) break;
      const wait = await this.process(piece);
      if (wait === undefined) continue;
      this.lambda.site.world.clock.after(wait, `a failed batch for ${this.settings.functionName}`, bound(this, this.drain));
      return;
    }
    this.busy = false;
  }

  /** The next batch with records that somebody wants. */
  private next(): Piece | undefined {
    while (this.waiting.length > 0) {
      const batch = this.waiting.splice(0, this.settings.batchSize);
      const records = batch.filter(
        (record) => this.patterns.length === 0 || this.patterns.some((pattern) => matches(pattern, flatten(record))),
      );
      if (records.length === 0) continue;
      const piece: Piece = { records, began: undefined, tries: 0 };
      this.pieces.push(piece);
      return piece;
    }
    return undefined;
  }

  /** One attempt. @returns milliseconds until the next one, or undefined where the piece is done with */
  private async process(piece: Piece): Promise<number | undefined> {
    const { clock } = this.lambda.site.world;
    piece.began ??= clock.now();
    piece.tries++;
    const failure = await this.attempt(piece.records);
    if (failure === undefined) {
      this.pieces.shift();
      return undefined;
    }
    if (failure.from > 0) piece.records = piece.records.slice(failure.from);
    const { records, tries, began } = piece;
    const { maximumRetryAttempts, maximumRecordAge, bisect } = this.settings;
    const aged = maximumRecordAge >= 0 && clock.now() - began > maximumRecordAge * 1000;
    const spent = maximumRetryAttempts >= 0 && tries > maximumRetryAttempts;
    if (this.stopped) return undefined;
    if (aged || spent) {
      await this.giveUp(records, aged ? 'RecordAgeExceeded' : 'RetryAttemptsExhausted', tries, failure);
      this.pieces.shift();
      return undefined;
    }
    if (bisect && records.length > 1) {
      const half = Math.ceil(records.length / 2);
      const halves = [records.slice(0, half), records.slice(half)].map((part) => ({ records: part, began: undefined, tries: 0 }));
      this.pieces.splice(0, 1, ...halves);
    }
    return Math.min(500 * 2 ** Math.min(tries, 10), MOST_PAUSE);
  }

  /** @returns what failed and from which record on, or nothing */
  private async attempt(records: readonly StreamRecord[]): Promise<{ from: number; requestId: string; error: unknown } | undefined> {
    const requestId = this.lambda.random.uuid();
    try {
      const invoked = await this.lambda.invokeText(
        this.settings.functionName,
        undefined,
        JSON.stringify({ Records: records }),
        'RequestResponse',
        requestId,
      );
      const payload = JSON.parse(invoked!.payload) as { batchItemFailures?: { itemIdentifier: string }[] } | null;
      if (invoked!.functionError) return { from: 0, requestId, error: payload };
      const failed = this.settings.partialFailures ? (payload?.batchItemFailures ?? []) : [];
      if (failed.length === 0) return undefined;
      const places = failed.map(({ itemIdentifier }) => records.findIndex((record) => record.dynamodb.SequenceNumber === itemIdentifier));
      return { from: Math.max(0, Math.min(...places)), requestId, error: payload };
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      return { from: 0, requestId, error: { errorType: error.code, errorMessage: error.message } };
    }
  }

  /** https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html */
  private async giveUp(
    records: readonly StreamRecord[],
    condition: string,
    tries: number,
    failure: { requestId: string; error: unknown },
  ): Promise<void> {
    const { onFailure, functionName, sourceArn } = this.settings;
    if (onFailure === undefined) return;
    const { site } = this.lambda;
    const { owner } = this.lambda.find(functionName);
    const time = (record: StreamRecord) =>
      new Date((record.dynamodb.ApproximateCreationDateTime ?? site.world.clock.now() / 1000) * 1000).toISOString();
    const [first, last] = [records[0]!, records.at(-1)!];
    const body = JSON.stringify({
      requestContext: { requestId: failure.requestId, functionArn: owner.arn, condition, approximateInvokeCount: tries },
      responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
      version: '1.0',
      timestamp: new Date(site.world.clock.now()).toISOString(),
      DDBStreamBatchInfo: {
        shardId: 'shardId-00000000000000000000-00000000',
        startSequenceNumber: first.dynamodb.SequenceNumber,
        endSequenceNumber: last.dynamodb.SequenceNumber,
        approximateArrivalOfFirstRecord: time(first),
        approximateArrivalOfLastRecord: time(last),
        batchSize: records.length,
        streamArn: sourceArn,
      },
    });
    try {
      await deliver(site, this.lambda.rolePrincipal(owner, owner.latest), { arn: onFailure, body });
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
    }
  }
}
