/** Filter patterns of CloudWatch Logs for text: terms, phrases, exclusions and alternatives. */
import { ServiceError } from '../../core/service.ts';

/**
 * Says which messages a pattern matches. `a b`: both; `"a b"`: the phrase; `-a`: without; `?a ?b`: either.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
 * @throws ServiceError InvalidParameterException for patterns on JSON (`{…}`), columns (`[…]`) and regular expressions (`%…%`), which are not known here
 */
export function filterPattern(pattern: string): (message: string) => boolean {
  const text = pattern.trim();
  if (/^[{[%]/.test(text))
    throw new ServiceError('InvalidParameterException', `local AWS knows terms and phrases in filter patterns, not ${text[0]}: ${pattern}`);
  const terms = [...text.matchAll(/([?-]?)(?:"((?:[^"\\]|\\.)*)"|(\S+))/g)].map(([, sign = '', phrase, word]) => ({
    sign,
    text: phrase === undefined ? word! : phrase.replace(/\\(.)/g, '$1'),
  }));
  const all = terms.filter(({ sign }) => sign === '');
  const none = terms.filter(({ sign }) => sign === '-');
  const any = terms.filter(({ sign }) => sign === '?');
  return (message) =>
    all.every((term) => message.includes(term.text)) &&
    !none.some((term) => message.includes(term.text)) &&
    (any.length === 0 || all.length > 0 || any.some((term) => message.includes(term.text)));
}
