/** Cuts lists into pages whose tokens stay good while the list changes behind them. */
import { ServiceError } from '../../core/service.ts';

/**
 * The page after `token`. The token names the last item of the page before by its key.
 * @throws ServiceError InvalidParameterException for a token that names nothing, or a page of another size than 1 to 1000
 */
export function page<T>(
  items: readonly T[],
  key: (item: T) => string,
  size: number,
  token?: string,
): { readonly items: readonly T[]; readonly nextToken?: string } {
  if (!(size >= 1 && size <= 1000))
    throw new ServiceError(
      'InvalidParameterException',
      `Invalid parameter at 'maxResults' failed to satisfy constraint: 'Member must be between 1 and 1000, inclusive'`,
    );
  let start = 0;
  if (token !== undefined) {
    const last = Buffer.from(token, 'base64url').toString();
    start = items.findIndex((item) => key(item) === last) + 1;
    if (start === 0)
      throw new ServiceError('InvalidParameterException', "Invalid parameter at 'nextToken' failed to satisfy constraint: 'Invalid token'");
  }
  const cut = items.slice(start, start + size);
  const more = start + size < items.length;
  return { items: cut, ...(more ? { nextToken: Buffer.from(key(cut.at(-1)!)).toString('base64url') } : {}) };
}
