/** Says whether an event matches a pattern, as TestEventPattern does. */
import { ServiceError } from '../../core/service.ts';
import { flatten, matches } from './match.ts';
import { compilePattern, type EventPattern } from './pattern.ts';
import { PatternSyntaxError } from './tokens.ts';

/** Patterns are limited to this many characters. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html */
const MAX_PATTERN = 2_048;

/** @throws ServiceError InvalidEventPatternException with the reason as AWS words it */
export function validPattern(text: string): EventPattern {
  if (text.length > MAX_PATTERN)
    throw new ServiceError(
      'InvalidEventPatternException',
      `Event pattern is not valid. Reason: Event pattern is too large (${text.length} > ${MAX_PATTERN})`,
    );
  try {
    return compilePattern(text);
  } catch (error) {
    if (!(error instanceof PatternSyntaxError)) throw error;
    throw new ServiceError('InvalidEventPatternException', `Event pattern is not valid. Reason: ${error.message}`);
  }
}

/** What an event must carry, as the recordings show. */
const required = ['id', 'account', 'source', 'time', 'region', 'detail-type'];

/** @throws ServiceError */
export function testEventPattern(event: string, pattern: string): boolean {
  const compiled = validPattern(pattern);
  let parsed: unknown;
  try {
    parsed = JSON.parse(event);
  } catch {
    parsed = undefined;
  }
  if (typeof parsed !== 'object' || parsed === null || required.some((name) => !(name in parsed)))
    throw new ServiceError('ValidationException', 'Parameter Event is not valid.');
  return matches(compiled, flatten(parsed));
}
