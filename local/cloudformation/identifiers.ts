/** Identifiers that CloudFormation and EC2 make up: the same for the same stack and logical id, so that a run can be repeated. */
import { createHash } from 'node:crypto';

const digest = (parts: readonly (string | number)[]) => createHash('sha256').update(parts.join('\n')).digest('hex');

/** `<stack>-<logical id>-<12 characters>`. @param generation counts replacements: a resource that replaces another needs a new name */
export function generatedName(stack: string, logicalId: string, place: string, generation: number): string {
  const suffix = BigInt(`0x${digest([place, stack, logicalId, generation]).slice(0, 20)}`)
    .toString(36)
    .toUpperCase()
    .padStart(12, '0')
    .slice(-12);
  return `${stack}-${logicalId}-${suffix}`;
}

/** `vpc-0a1b2c3d4e5f60718`: a prefix and 17 hexadecimal digits, the first a zero. */
export const ec2Id = (prefix: string, name: string) => `${prefix}-0${digest([prefix, name]).slice(0, 16)}`;
