/** Cuts the lists of ECS into pages. */
import { invalid } from './names.ts';

/** @throws ServiceError InvalidParameterException for a token that was not given out or a size out of range */
export function page(
  arns: readonly string[],
  { nextToken, maxResults }: { readonly nextToken?: string | undefined; readonly maxResults?: number | undefined },
  size = 100,
): { readonly items: readonly string[]; readonly nextToken?: string } {
  if (maxResults !== undefined && (maxResults < 1 || maxResults > 100)) throw invalid('maxResults must be between 1 and 100');
  let from = 0;
  if (nextToken !== undefined) {
    from = arns.indexOf(Buffer.from(nextToken, 'base64url').toString()) + 1;
    if (from === 0) throw invalid('Invalid token');
  }
  const to = from + (maxResults ?? size);
  const items = arns.slice(from, to);
  return { items, ...(to < arns.length ? { nextToken: Buffer.from(items.at(-1)!).toString('base64url') } : {}) };
}
