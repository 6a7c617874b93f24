/** Restricted Damerau-Levenshtein distance: no letter is edited twice. */

/** Letters replaced, left out, added, or swapped with a neighbour; `limit + 1` above the limit. */
export function editDistance(a: string, b: string, limit = Number.POSITIVE_INFINITY): number {
  const [from, to] = [[...a], [...b]];
  let before: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, j) => j);
  for (let i = 1; i <= from.length; i++) {
    const row = [i];
    for (let j = 1; j <= to.length; j++) {
      const same = from[i - 1] === to[j - 1];
      let steps = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (same ? 0 : 1));
      const swapped = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1];
      if (swapped) steps = Math.min(steps, before[j - 2]! + 1);
      row.push(steps);
    }
    if (Math.min(...row) > limit) return limit + 1;
    before = last;
    last = row;
  }
  return Math.min(last[to.length]!, limit + 1);
}
