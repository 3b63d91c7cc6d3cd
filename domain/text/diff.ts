/** What differs between two texts, line by line: the longest common subsequence stays. */

export interface DiffLine {
  /** ` ` in both, `-` only before, `+` only after. */
  readonly sign: ' ' | '-' | '+';
  readonly text: string;
}

/** All lines of both, in order; where a place changes, what was comes before what will be. Takes the product of the changed lengths in steps. */
export function diffLines(before: readonly string[], after: readonly string[]): DiffLine[] {
  let head = 0;
  while (head < before.length && head < after.length && before[head] === after[head]) head++;
  let tail = 0;
  while (tail < before.length - head && tail < after.length - head && before[before.length - 1 - tail] === after[after.length - 1 - tail])
    tail++;
  const same = (text: string): DiffLine => ({ sign: ' ', text });
  return [
    ...before.slice(0, head).map(same),
    ...changed(before.slice(head, before.length - tail), after.slice(head, after.length - tail)),
    ...before.slice(before.length - tail).map(same),
  ];
}

function changed(before: readonly string[], after: readonly string[]): DiffLine[] {
  const width = after.length + 1;
  /** At `i * width + j`: lines in common of what follows `i` before and `j` after. */
  const common = new Uint32Array((before.length + 1) * width);
  for (let i = before.length - 1; i >= 0; i--)
    for (let j = after.length - 1; j >= 0; j--)
      common[i * width + j] =
        before[i] === after[j] ? common[(i + 1) * width + j + 1]! + 1 : Math.max(common[(i + 1) * width + j]!, common[i * width + j + 1]!);
  const lines: DiffLine[] = [];
  let i = 0;
  let j = 0;
  while (i < before.length || j < after.length) {
    if (i < before.length && j < after.length && before[i] === after[j]) {
      lines.push({ sign: ' ', text: before[i++]! });
      j++;
    } else if (i < before.length && (j === after.length || common[(i + 1) * width + j]! >= common[i * width + j + 1]!))
      lines.push({ sign: '-', text: before[i++]! });
    else lines.push({ sign: '+', text: after[j++]! });
  }
  return lines;
}

/** Only what changes, with so many lines around it; `undefined` stands where some were left out. */
export function hunks(lines: readonly DiffLine[], around = 3): (DiffLine | undefined)[] {
  const kept = lines.map((_, index) => lines.slice(Math.max(0, index - around), index + around + 1).some(({ sign }) => sign !== ' '));
  return lines.flatMap((line, index) => (kept[index] ? [line] : index > 0 && kept[index - 1] ? [undefined] : []));
}
