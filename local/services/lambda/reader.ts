/** What reads a source of events for a function, and how it is told to. */

export interface MappingSettings {
  readonly functionName: string;
  readonly sourceArn: string;
  readonly batchSize: number;
  /** Seconds. */
  readonly window: number;
  readonly startingPosition: string | undefined;
  readonly filters: readonly string[];
  /** -1 is without end. */
  readonly maximumRetryAttempts: number;
  /** Seconds; -1 is without end. */
  readonly maximumRecordAge: number;
  readonly bisect: boolean;
  readonly onFailure: string | undefined;
  readonly partialFailures: boolean;
  readonly enabled: boolean;
}

/** What reads a source. */
export interface Reader {
  change(settings: MappingSettings): void;
  stop(): void;
  /** Goes on after a snapshot of the world was loaded. */
  resume?(): void;
}
