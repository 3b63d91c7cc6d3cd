/** What a parsed expression of DynamoDB is made of. */
import type { AttributeValue } from './attribute.ts';

/** `a.b[2]` is `['a', 'b', 2]`. */
export type Path = readonly (string | number)[];

export type Operand =
  | { readonly kind: 'path'; readonly path: Path }
  | { readonly kind: 'value'; readonly value: AttributeValue }
  | { readonly kind: 'size'; readonly of: Operand };

export type Comparator = '=' | '<>' | '<' | '<=' | '>' | '>=';

export type Condition =
  | { readonly kind: 'and' | 'or'; readonly left: Condition; readonly right: Condition }
  | { readonly kind: 'not'; readonly condition: Condition }
  | { readonly kind: 'compare'; readonly comparator: Comparator; readonly left: Operand; readonly right: Operand }
  | { readonly kind: 'between'; readonly operand: Operand; readonly low: Operand; readonly high: Operand }
  | { readonly kind: 'in'; readonly operand: Operand; readonly list: readonly Operand[] }
  | { readonly kind: 'attribute_exists' | 'attribute_not_exists'; readonly path: Path }
  | { readonly kind: 'attribute_type'; readonly operand: Operand; readonly type: string }
  | { readonly kind: 'begins_with' | 'contains'; readonly operand: Operand; readonly other: Operand };

/** The right side of a SET. */
export type UpdateValue =
  | { readonly kind: 'path'; readonly path: Path }
  | { readonly kind: 'value'; readonly value: AttributeValue }
  | { readonly kind: 'if_not_exists'; readonly path: Path; readonly otherwise: UpdateValue }
  | { readonly kind: 'list_append'; readonly left: UpdateValue; readonly right: UpdateValue }
  | { readonly kind: '+' | '-'; readonly left: UpdateValue; readonly right: UpdateValue };

export interface Update {
  readonly set: readonly { readonly path: Path; readonly value: UpdateValue }[];
  readonly remove: readonly Path[];
  readonly add: readonly { readonly path: Path; readonly value: AttributeValue }[];
  readonly delete: readonly { readonly path: Path; readonly value: AttributeValue }[];
}

/** As DynamoDB writes paths in its messages: `[a, b, [2]]`. */
export const pathText = (path: Path) => `[${path.map((part) => (typeof part === 'number' ? `[${part}]` : part)).join(', ')}]`;

export const samePath = (left: Path, right: Path) => left.length === right.length && left.every((part, index) => part === right[index]);

/** Every path that a condition reads. */
export function pathsOf(condition: Condition): readonly Path[] {
  switch (condition.kind) {
    case 'and':
    case 'or':
      return [...pathsOf(condition.left), ...pathsOf(condition.right)];
    case 'not':
      return pathsOf(condition.condition);
    case 'compare':
      return [condition.left, condition.right].flatMap(pathsOfOperand);
    case 'between':
      return [condition.operand, condition.low, condition.high].flatMap(pathsOfOperand);
    case 'in':
      return [condition.operand, ...condition.list].flatMap(pathsOfOperand);
    case 'attribute_exists':
    case 'attribute_not_exists':
      return [condition.path];
    case 'attribute_type':
      return pathsOfOperand(condition.operand);
    case 'begins_with':
    case 'contains':
      return [condition.operand, condition.other].flatMap(pathsOfOperand);
  }
}

function pathsOfOperand(operand: Operand): readonly Path[] {
  return operand.kind === 'path' ? [operand.path] : operand.kind === 'size' ? pathsOfOperand(operand.of) : [];
}
