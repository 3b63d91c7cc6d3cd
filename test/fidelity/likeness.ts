/** Compares what local AWS did with what the real one did, apart from what differs from run to run. */

/** Names and members that no two runs have in common, or that say how a call travelled. */
const IGNORED = new Set(['timestamp', 'requestId', 'SdkHttpMetadata', 'SdkResponseMetadata']);

/** What recordings put in the place of a time. */
const TIMES = new Set(['date', 'timestamp', '<start-date>', '<stop-date>', 'start-date', 'stop-date']);

type Value = unknown;

/** A value with every text that is JSON taken for what it says: recordings keep some as text and others parsed. */
export function unfolded(value: Value): Value {
  if (typeof value === 'string') {
    try {
      const inner: unknown = JSON.parse(value);
      return typeof inner === 'string' ? inner : unfolded(inner);
    } catch {
      return value;
    }
  }
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map(unfolded);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(
      Object.entries(value)
        .filter(([name, member]) => !IGNORED.has(name) && member !== undefined)
        .map(([name, member]) => [name, unfolded(member)]),
    );
  return value;
}

/** A recorded text with placeholders (`<uuid:1>`) takes any text in their place. */
function sameText(recorded: string, got: Value): boolean {
  if (recorded === got) return true;
  if (typeof got !== 'string') return false;
  if (TIMES.has(recorded)) return /^\d{4}-\d\d-\d\dT/.test(got) || TIMES.has(got);
  if (!/<[^<>]+>/.test(recorded)) return false;
  const pattern = recorded.split(/<[^<>]+>/).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${pattern.join('.+')}$`, 's').test(got);
}

/** Where two values differ first, in words; undefined where they agree. Both are {@link unfolded}. */
export function difference(recorded: Value, got: Value, at = ''): string | undefined {
  const differ = () => `${at || 'value'}: got ${short(got)}, recorded ${short(recorded)}`;
  if (typeof recorded === 'string') return sameText(recorded, got) ? undefined : differ();
  if (Array.isArray(recorded)) {
    if (!Array.isArray(got) || got.length !== recorded.length) return differ();
    return first(recorded.map((one, index) => () => difference(one, got[index], `${at}[${index}]`)));
  }
  if (typeof recorded === 'object' && recorded !== null) {
    if (typeof got !== 'object' || got === null || Array.isArray(got)) return differ();
    const names = new Set([...Object.keys(recorded), ...Object.keys(got)]);
    return first(
      [...names].map(
        (name) => () =>
          difference((recorded as Record<string, Value>)[name], (got as Record<string, Value>)[name], at === '' ? name : `${at}.${name}`),
      ),
    );
  }
  return Object.is(recorded, got) || (recorded === 0 && got === 0) ? undefined : differ();
}

const short = (value: Value) => {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
};

function first(checks: readonly (() => string | undefined)[]): string | undefined {
  for (const check of checks) {
    const why = check();
    if (why !== undefined) return why;
  }
  return undefined;
}
