/** What is wrong with a text that is no JSON, in the words of AWS's parser. */
import { PatternSyntaxError, TokenReader } from '../events/tokens.ts';

/** Undefined where that parser would take it. */
export function complaint(text: string): string | undefined {
  try {
    const reader = new TokenReader(text);
    while (reader.next() !== undefined);
    return undefined;
  } catch (error) {
    if (!(error instanceof PatternSyntaxError)) throw error;
    return error.message.replace(/\n at \[Source: .*$/s, '');
  }
}
