/** Where a command looks, and as whom, as people say it. */

export interface SourceOptions {
  readonly data?: string;
  readonly config?: string;
  readonly profile?: string;
  readonly aws?: boolean;
  readonly as?: string;
  readonly json?: boolean;
}
