/** Recognises what looks like a secret in plain text, by the name it has and by how random it is. */

const NAMES = /(^|_)(password|passwd|pwd|secret|token|api_?key|private_?key|access_?key|credentials?)($|_)/i;
/** Names that speak of a secret without being one. */
const HARMLESS = /(_(arn|id|name|path|file|url|ttl|expiry|length|enabled)|^token_issuer)$/i;
/** Shapes that are secrets whatever they are called. */
const SHAPES = [
  /AKIA[0-9A-Z]{16}/,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----/,
  /^gh[pousr]_[A-Za-z0-9]{36,}$/,
  /^xox[baprs]-/,
  /:\/\/[^/\s:@]+:[^/\s:@]{3,}@/,
];

/** Bits for each character above which a long text is taken for random: base64 of random bytes has about five. */
const RANDOM_BITS = 4.3;

export function looksSecret(name: string, value: string): boolean {
  if (value === '') return false;
  if (SHAPES.some((shape) => shape.test(value))) return true;
  if (NAMES.test(name) && !HARMLESS.test(name)) return true;
  return /^[A-Za-z0-9+/=_-]{32,}$/.test(value) && !/^[0-9a-f-]+$/i.test(value) && entropy(value) > RANDOM_BITS;
}

/** Shannon's, in bits for each character. */
function entropy(text: string): number {
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  return [...counts.values()].reduce((sum, count) => sum - (count / text.length) * Math.log2(count / text.length), 0);
}
