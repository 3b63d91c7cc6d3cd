/** Recognises what looks like a secret in plain text, by the name it has, by its shape and by how random it is. */

const NAMES = /(^|_)(pass|pwd|secret|token|api_?key|private_?key|access_?key|credentials?)($|_)|pass(word|wd|phrase)/;
/** Names that speak of a secret without being one. */
const HARMLESS =
  /_(arn|id|name|path|file|url|ttl|expiry|length|enabled|limit|count|size|timeout|seconds|minutes|hours|days|issuer|audience|type|header|endpoint|host|port|user|username)$/;
/** Shapes that are secrets whatever they are called. */
const SHAPES = [
  /\b(AKIA|ASIA)[0-9A-Z]{16}\b/,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----/,
  /\bgh[pousr]_[A-Za-z0-9]{36,}/,
  /\bgithub_pat_[A-Za-z0-9_]{22,}/,
  /\bxox[baprs]-/,
  /\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\./,
  /:\/\/[^/\s:@]*:[^/\s:@$]{3,}@/,
];

/** Bits for each character above which a long text is taken for random: base64 of random bytes has about five. */
const RANDOM_BITS = 4.3;

export function looksSecret(name: string, value: string): boolean {
  if (isSecretlyNamed(name, value) || hasSecretShape(value)) return true;
  return (
    /^[A-Za-z0-9+/=_-]{32,}$/.test(value) && [/[a-z]/, /[A-Z]/, /\d/].every((kind) => kind.test(value)) && entropy(value) > RANDOM_BITS
  );
}

/** Whether one of a command's words carries a secret: `--password=x`, `PGPASSWORD=x`, or `x` after `--password`. */
export function carriesSecret(word: string, before: string | undefined): boolean {
  if (hasSecretShape(word)) return true;
  for (const [, name = '', value = ''] of word.matchAll(/(?:^|[\s'"])-{0,2}([A-Za-z_][\w.-]*)=['"]?([^\s'"]+)/g))
    if (isSecretlyNamed(name, value)) return true;
  const option = /^--?([A-Za-z][\w.-]*)$/.exec(before ?? '')?.[1];
  return option !== undefined && !word.startsWith('-') && isSecretlyNamed(option, word);
}

const hasSecretShape = (value: string) => SHAPES.some((shape) => shape.test(value));

function isSecretlyNamed(name: string, value: string): boolean {
  // A switch is no secret, and a shell's variable only says where one is.
  if (value === '' || value.startsWith('$') || /^(true|false|yes|no|on|off)$/i.test(value)) return false;
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/[.-]/g, '_')
    .toLowerCase();
  return NAMES.test(words) && !HARMLESS.test(words);
}

/** Shannon's, in bits for each character. */
function entropy(text: string): number {
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  return [...counts.values()].reduce((sum, count) => sum - (count / text.length) * Math.log2(count / text.length), 0);
}
