/** The pipeline that a command works on, wherever it is. */
import type { Reply } from '../../aws/decisions.ts';
import type { Readers } from '../../queries/readers.ts';

export interface Source extends Readers {
  readonly kind: 'local' | 'rehearsal' | 'aws';
  /** In which people read times: an IANA name. */
  readonly timeZone: string;
  /** Before anybody is asked anything. @throws UsageError if this source cannot be changed, or nobody said who they are */
  assertMayDecide(verb: string): void;
  /**
   * Sends a decision of the person at the keyboard.
   * @throws RefusedError; UsageError if this source cannot be changed
   */
  decide(decision: { readonly verb: string; readonly [field: string]: unknown }): Promise<Reply>;
}
