/** Which tags are releases. */

/** Whether a tag matches a pattern in which `*` stands for any characters, such as `git_*` or `1.*`. */
export function matchesTag(pattern: string, tag: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return tag === pattern;
  if (!tag.startsWith(first) || !tag.endsWith(last) || tag.length < first.length + last.length) return false;
  let at = first.length;
  for (const part of rest) {
    const found = tag.indexOf(part, at);
    if (found < 0 || found + part.length > tag.length - last.length) return false;
    at = found + part.length;
  }
  return true;
}
