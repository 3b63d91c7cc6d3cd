/** Recognises what looks like a secret in plain text, by the name it has, by its shape and by how random it is. */

const NAMES =
  /(^|_)(pass|pwd|secrets?|token|(api|private|access|signing|encryption|master|shared)_?keys?|credentials?|(db|pg|my|root|user|admin)pass)($|_|\d)|pass(word|wd|phrase)/;
/** Names that speak of a secret without being one. */
const HARMLESS =
  /_(arn|id|name|path|file|page|ur[il]|ttl|expiry|lifetime|age|attempts|prefix|length|enabled|required|limit|count|size|timeout|seconds|minutes|hours|days|issuer|audience|type|mode|policy|provider|region|validation|encoder|algorithm|rounds|cookie|header|endpoint|host|port|user|username)$|^(old_?)?pwd$/;
/** Random by nature, and public. */
const PUBLIC = /public_?key|certificate|fingerprint|digest|checksum/;
/** Shapes that are secrets whatever they are called. */
const SHAPES = [
  /\b(AKIA|ASIA)[0-9A-Z]{16}\b/,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----/,
  /\bgh[pousr]_[A-Za-z0-9]{36,}/,
  /\bgithub_pat_[A-Za-z0-9_]{22,}/,
  /\bxox[baprs]-/,
  /\bhooks\.slack\.com\/services\/T/,
  /\bdiscord(app)?\.com\/api\/webhooks\/\d+\/[\w-]{16,}/,
  /\.webhook\.office\.com\/webhookb2\/[\w-]{16,}/,
  /\bapi\.telegram\.org\/bot\d+:[\w-]{16,}/,
  // Laravel's application key.
  /^base64:[A-Za-z0-9+/]{40,}=*$/,
  /\bglpat-[\w-]{20,}/,
  /\bnpm_[A-Za-z0-9]{36}/,
  /\bAIza[\w-]{35}/,
  /\b[sr]k_(live|test)_[A-Za-z0-9]{16,}/,
  /\bSG\.[\w-]{16,}\.[\w-]{16,}/,
  /\b(Bearer|Basic)\s+[\w.~+/=-]{12,}/i,
  /\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\./,
  /:\/\/[^/\s:@]*:[^/\s:@$]{3,}@/,
];

/** Bits for each character above which a long text is taken for random: base64 of random bytes has about five. */
const RANDOM_BITS = 4.3;

export function looksSecret(name: string, value: string): boolean {
  if (isSecretlyNamed(name, value) || hasSecretShape(value) || assignsSecret(value)) return true;
  return (
    !PUBLIC.test(wordsOf(name)) &&
    /^[A-Za-z0-9+/=_-]{32,}$/.test(value) &&
    [/[a-z]/, /[A-Z]/, /\d/].every((kind) => kind.test(value)) &&
    entropy(value) > RANDOM_BITS
  );
}

/** Whether one of a command's words carries a secret: `--password=x`, `PGPASSWORD=x`, or `x` after `--password`. */
export function carriesSecret(word: string, before: string | undefined): boolean {
  if (hasSecretShape(word) || assignsSecret(word)) return true;
  const option = /^--?([A-Za-z][\w.-]*)$/.exec(before ?? '')?.[1];
  return option !== undefined && !word.startsWith('-') && isSecretlyNamed(option, word);
}

/** `Server=db;Password=x`, `{"password":"x"}`, `https://example.com/?token=x`, `-Dmail.password=x` */
function assignsSecret(text: string): boolean {
  const assignments = text.matchAll(/(?:^|[\s'"?&;,{])-{0,2}([A-Za-z_][\w.-]*)(?:=|['"]\s*:\s*)['"]?([^\s'"&;,}]+)/g);
  return [...assignments].some(([, name = '', value = '']) => isSecretlyNamed(name, value));
}

const hasSecretShape = (value: string) => SHAPES.some((shape) => shape.test(value));

function isSecretlyNamed(name: string, value: string): boolean {
  // A switch is no secret, and a shell's variable only says where one is.
  if (value === '' || value.startsWith('$') || /^(true|false|yes|no|on|off)$/i.test(value)) return false;
  const words = wordsOf(name);
  return NAMES.test(words) && !HARMLESS.test(words);
}

/** `authToken`, `auth-token` and `AUTH_TOKEN` as `auth_token`. */
const wordsOf = (name: string) =>
  name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/[.-]/g, '_')
    .toLowerCase();

/** Shannon's, in bits for each character. */
function entropy(text: string): number {
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  return [...counts.values()].reduce((sum, count) => sum - (count / text.length) * Math.log2(count / text.length), 0);
}
