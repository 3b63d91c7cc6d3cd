/** "Did you mean": the nearest of what is known to what was written. */

/** `, did you mean "rolling"?`, or nothing if none is near. */
export function suggestion(given: string, known: readonly string[]): string {
  const near = known
    .map((word) => ({ word, away: distance(given.toLowerCase(), word.toLowerCase()) }))
    .toSorted((a, b) => a.away - b.away)[0];
  return given !== '' && near !== undefined && near.away <= Math.max(1, Math.floor(given.length / 3))
    ? `, did you mean "${near.word}"?`
    : '';
}

/** Levenshtein's, in which two letters that changed places are one slip. */
function distance(a: string, b: string): number {
  let before: readonly number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      const turned = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      next.push(
        Math.min(
          (row[j] ?? 0) + 1,
          (next[j - 1] ?? 0) + 1,
          (row[j - 1] ?? 0) + same,
          turned ? (before[j - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
        ),
      );
    }
    before = row;
    row = next;
  }
  return row[b.length] ?? 0;
}
