/** How releases, promotions and executions end. */

/** How something ended. A rule or a person said no: refused. The deployment or its checks failed: failed. Our machinery broke: errored. */
export type OutcomeKind = 'succeeded' | 'superseded' | 'refused' | 'failed' | 'errored';

/** The error with which an execution ends that a person has aborted. */
export const ABORTED = 'Aborted';

export interface Outcome {
  readonly outcome: OutcomeKind;
  /** In words a person can act on. Empty when it succeeded. */
  readonly reason: string;
}

/**
 * A reason in words: where a function has failed, Step Functions hands its whole error on as JSON, with the trace of the bundle's code.
 * What people read is its message.
 */
export function inWords(reason: string): string {
  const begin = reason.indexOf('{"errorType"');
  if (begin < 0) return reason;
  const end = endOfObject(reason, begin);
  const { errorMessage, errorType } = parsed(reason.slice(begin, end));
  return inWords(`${reason.slice(0, begin)}${errorMessage ?? errorType ?? 'an error without a message'}${reason.slice(end)}`);
}

/** Behind the brace that closes the one at `begin`; the end of the text where it is cut off. */
function endOfObject(text: string, begin: number): number {
  let depth = 0;
  let quoted = false;
  for (let at = begin; at < text.length; at++) {
    const character = text[at];
    if (quoted) {
      if (character === '\\') at++;
      else if (character === '"') quoted = false;
    } else if (character === '"') quoted = true;
    else if (character === '{') depth++;
    else if (character === '}' && --depth === 0) return at + 1;
  }
  return text.length;
}

function parsed(text: string): { readonly errorMessage?: string; readonly errorType?: string } {
  try {
    return JSON.parse(text) as { errorMessage?: string; errorType?: string };
  } catch {
    // Cut off: a cause has at most 32,768 characters. The type comes first.
    const [, errorType] = /"errorType":"([^"]*)"/.exec(text) ?? [];
    const [, message] = /"errorMessage":("(?:[^"\\]|\\.)*")/.exec(text) ?? [];
    return { ...(message ? { errorMessage: JSON.parse(message) as string } : {}), ...(errorType ? { errorType } : {}) };
  }
}
