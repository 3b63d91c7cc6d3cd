/** What an engine tells of a task: enough to play the same again without it. Plain data, as it is kept in a data folder. */
import type { HttpResponse } from '../../core/http.ts';

/** Times in a report are its own: it is remembered with the moment at which the world heard of it. */
export type Report = { readonly task: string } & (
  | { readonly what: 'pulled' | 'ended' }
  | { readonly what: 'failed'; readonly reason: string; readonly container?: string }
  | { readonly what: 'started'; readonly container: string; readonly runtimeId: string }
  | { readonly what: 'exited'; readonly container: string; readonly code: number; readonly reason?: string }
  | { readonly what: 'health'; readonly container: string; readonly health: 'HEALTHY' | 'UNHEALTHY' }
  | { readonly what: 'said'; readonly container: string; readonly lines: readonly string[] }
  | {
      readonly what: 'probed';
      readonly targetGroupArn: string;
      readonly port: number;
      readonly state: 'healthy' | 'unhealthy';
      readonly failure?: number | 'nothing';
    }
);

/** What a container answered to somebody within the world: to a check of a Lambda, or of a build. */
export interface Heard {
  /** What was asked, with a number for the same question asked again. */
  readonly question: string;
  /** Milliseconds that it took. */
  readonly took: number;
  /** Absent where the connection broke. `body` in base64. */
  readonly answer?: Pick<HttpResponse, 'status' | 'headers' | 'cookies'> & { readonly body: string };
}
