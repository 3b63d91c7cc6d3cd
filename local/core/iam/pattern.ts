/** Wildcards and variables of policies: how `arn:aws:ecs:*:*:service/${aws:username}-*` matches. */

/** Condition keys in lower case: IAM does not distinguish case in them. */
export type Context = Pick<ReadonlyMap<string, string | readonly string[]>, 'get'>;

const globs = new Map<string, RegExp>();

/** Stand for `${*}`, `${?}` and wildcards inside a variable's value, which are ordinary characters there. */
const LITERAL: Readonly<Record<string, string>> = { '*': '\ue000', '?': '\ue001', $: '\ue002' };
const PLAIN: Readonly<Record<string, string>> = { '\ue000': '*', '\ue001': '?', '\ue002': '$' };

function glob(pattern: string): RegExp {
  let found = globs.get(pattern);
  if (found === undefined) {
    const source = pattern.replace(/[\\^$.*+?()[\]{}|\ue000-\ue002]/g, (character) => {
      if (character === '*') return '.*';
      if (character === '?') return '.';
      return `\\${PLAIN[character] ?? character}`;
    });
    found = new RegExp(`^${source}$`, 's');
    globs.set(pattern, found);
  }
  return found;
}

/** `*` is any run of characters, `?` is one. */
export function like(pattern: string, value: string): boolean {
  return pattern === '*' || glob(pattern).test(value);
}

/**
 * ARNs are compared field by field, six fields; an incomplete pattern is completed with `*`.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
 */
export function arnLike(pattern: string, arn: string): boolean {
  if (pattern === '*') return true;
  const wanted = fields(pattern);
  const actual = fields(arn);
  if (wanted[0] !== 'arn' || actual.length < 6) return like(pattern, arn);
  for (let index = 0; index < 6; index++) if (!like(wanted[index] ?? '*', actual[index]!)) return false;
  return true;
}

function fields(arn: string): readonly string[] {
  const parts = arn.split(':');
  return parts.length <= 6 ? parts : [...parts.slice(0, 5), parts.slice(5).join(':')];
}

/** Whether a pattern holds variables, so that what it matches depends on who asks. */
export const isVariable = (pattern: string): boolean => pattern.includes('${');

/**
 * Replaces `${key}` and `${key, 'default'}`. Undefined where a variable has no single value: such a statement matches nothing.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
 */
export function withVariables(text: string, context: Context): string | undefined {
  if (!isVariable(text)) return text;
  let missing = false;
  const filled = text.replace(/\$\{([^}]*)\}/g, (_, inside: string) => {
    const literal = LITERAL[inside];
    if (literal !== undefined) return literal;
    const [, name = '', fallback] = /^\s*([^,]*?)\s*(?:,\s*'([^']*)'\s*)?$/.exec(inside) ?? [];
    const value = context.get(name.toLowerCase());
    const found = typeof value === 'string' ? value : fallback;
    if (found === undefined) missing = true;
    return (found ?? '').replace(/[*?$]/g, (character) => LITERAL[character]!);
  });
  return missing ? undefined : filled;
}
