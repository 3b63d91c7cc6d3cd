/** What a service says of a request that breaks constraints, in its own form. */
import { ServiceError } from '../service.ts';
import type { Violation } from './constraints.ts';
import type { Model } from './model.ts';

/** @param broken at least one */
export function refusalOf({ errors }: Model, broken: readonly Violation[]): ServiceError {
  const code = errors.constraint ?? errors.invalid;
  const [{ at, rule }] = broken as readonly [Violation];
  switch (errors.form) {
    case 'ecr':
      return new ServiceError(code, `Invalid parameter at '${at}' failed to satisfy constraint: '${ecrRule(rule)}'`);
    case 'sqs': {
      const name = at.slice(0, 1).toUpperCase() + at.slice(1);
      // Only required members and constants: the service checks the rest itself, in sentences of its own.
      return rule === 'Member must not be null'
        ? new ServiceError('MissingParameter', `The request must contain the parameter ${name}.`)
        : new ServiceError('InvalidAttributeName', `Unknown Attribute ${broken[0]!.value.slice(1, -1)}.`);
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
