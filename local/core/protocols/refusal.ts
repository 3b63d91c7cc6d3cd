/** What a service says of a request that breaks constraints, in its own form. */
import { ServiceError } from '../service.ts';
import type { Violation } from './constraints.ts';
import type { Model } from './model.ts';

/** Nothing where the service has words of its own for it. @param broken at least one */
export function refusalOf({ errors }: Model, broken: readonly Violation[]): ServiceError | undefined {
  const code = errors.constraint ?? errors.invalid;
  const [{ at, rule }] = broken as readonly [Violation];
  switch (errors.form) {
    case 'ecr':
      return new ServiceError(code, `Invalid parameter at '${at}' failed to satisfy constraint: '${ecrRule(rule)}'`);
    case 'sqs': {
      const missing = broken.find((one) => one.rule === 'Member must not be null')?.at;
      if (missing === undefined) return undefined;
      const name = missing.slice(0, 1).toUpperCase() + missing.slice(1);
      return new ServiceError('MissingParameter', `The request must contain the parameter ${name}.`);
    }
    default: {
      const texts = broken.map(
        ({ value, at: place, rule: which }) => `Value ${value} at '${place}' failed to satisfy constraint: ${which}`,
      );
      const count = texts.length === 1 ? '1 validation error' : `${texts.length} validation errors`;
      return new ServiceError(code, `${count} detected: ${texts.join('; ')}`);
    }
  }
}

/** `must satisfy regular expression '…'` */
const ecrRule = (rule: string) =>
  rule.replace(/^Member must satisfy regular expression pattern: (.*)$/s, "must satisfy regular expression '$1'").replace(/^Member /, '');
