/** What is wrong with a configuration: every problem with its place and the way out, in words. */
import type { z } from 'zod';
import { type Problem, problemText } from '../text/problem.ts';
import { suggestion } from '../text/suggestion.ts';
import { schemaKeys } from './schema.ts';

/** Everything that is wrong with a configuration, at once. */
export class ConfigError extends Error {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map(problemText).join('\n'));
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/** What the schema says of a value, in our words. @param input the whole configuration, as it was written */
export function problemsOf(issue: z.core.$ZodIssue, input: unknown): Problem[] {
  const place = issue.path.join('.');
  const given = valueAt(input, issue.path);
  switch (issue.code) {
    case 'unrecognized_keys': {
      const known = [
        ...new Set(
          schemaKeys()
            .filter((key) => matchesPlace(key, issue.path))
            .map((key) => key.split('.').at(-1) ?? ''),
        ),
      ];
      return issue.keys.map((key) => ({ place: place ? `${place}.${key}` : key, message: `unknown key${suggestion(key, known)}` }));
    }
    case 'invalid_value': {
      const near = suggestion(String(given), issue.values.map(String)) || `; one of ${issue.values.join(', ')}`;
      return [{ place, message: `unknown value ${JSON.stringify(given)}${near}` }];
    }
    case 'invalid_union': {
      // Of the alternatives, the one that fits what was written by its type.
      const near = issue.errors.find((errors) => !errors.some(({ code, path }) => code === 'invalid_type' && path.length === 0));
      if (near) return near.flatMap((inner) => problemsOf({ ...inner, path: [...issue.path, ...inner.path] }, input));
      return [{ place, message: `is ${kindOf(given)}, which it cannot be` }];
    }
    case 'invalid_type': {
      const needed = `${/^[aeiou]/.test(issue.expected) ? 'an' : 'a'} ${issue.expected} is needed`;
      return [{ place, message: given === undefined ? `is missing; ${needed}` : `is ${kindOf(given)}; ${needed}` }];
    }
    case 'invalid_key':
      return [{ place, message: `is no key here: ${issue.issues.map(({ message }) => message).join('; ')}` }];
    case 'too_big':
      return [{ place, message: `${sizeOf(given)}; at most ${issue.maximum} ${issue.origin === 'string' ? 'fit' : 'is possible'}` }];
    case 'too_small':
      return [{ place, message: `${sizeOf(given)}; at least ${issue.minimum} is needed` }];
    default:
      return [{ place, message: issue.message }];
  }
}

const kindOf = (value: unknown): string =>
  value === null ? 'null' : Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'an object' : `a ${typeof value}`;

const sizeOf = (value: unknown): string =>
  typeof value === 'string'
    ? `has ${value.length} characters`
    : Array.isArray(value)
      ? `names ${value.length}`
      : `${String(value)} is out of range`;

function matchesPlace(key: string, path: readonly PropertyKey[]): boolean {
  const parts = key.split('.');
  return parts.length === path.length + 1 && path.every((part, index) => parts[index] === '*' || parts[index] === String(part));
}

const valueAt = (input: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key], input);
