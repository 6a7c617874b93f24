/** Uncertainty, number and extent of findings. */
import type { Span } from './free-note.js';
import type { Head, StatedCount } from './heads.js';
import { has, type Item, markOf } from './items.js';
import { isEnd, isItem, isPurpose, type Node, PASSED, pieceAt } from './nodes.js';

/** Uncertainty, numbers and extent go to the nearest head, first to the next one. */
export function describe(nodes: readonly Node[], heads: readonly Head[]): void {
  const real = heads.filter(({ kind, cloned }) => kind !== 'landmark' && !cloned);
  for (const [i, node] of nodes.entries()) {
    if (node.kind === 'group') {
      if (node.group.whole) nearest(nodes, real, i)?.extents.push(wholeItem(node.span));
      continue;
    }
    const { item } = node;
    const date = has(item, 'unit') && isItem(nodes[i - 1], 'number'); // "3 May"
    if (date || isPurpose(nodes, i) || isOfLandmark(nodes, i)) continue;
    const between = real.some(({ at }) => at === i - 1) && real.some(({ at }) => at === i + 1);
    if (has(item, 'maybe') && (has(item, 'or') || between)) {
      // "atelectasis versus pneumonia" doubts both
      for (const head of [real.find(({ at }) => at > i), real.filter(({ at }) => at < i).pop()])
        if (head) head.uncertain ??= item;
    } else if (has(item, 'maybe')) {
      const head = nearest(nodes, real, i);
      if (head) head.uncertain ??= item;
    }
    if (has(item, 'or') && !has(item, 'maybe')) {
      // "infection or oedema": which of them is open
      const finding = real.find(({ at, kind }) => at === i - 1 && kind === 'finding');
      const other = heads.some(
        (one) => one.at === i + 1 && one.kind === 'foreign' && has(one.item, 'nature'),
      );
      if (finding && other && !finding.negated) finding.uncertain ??= item;
    }
    if (has(item, 'extent')) nearest(nodes, real, i)?.extents.push(item);
    else if (has(item, 'whole')) nearest(nodes, real, i)?.extents.push(wholeItem(item.span));
  }
  for (const count of countsOf(nodes)) nearest(nodes, real, count.at)?.counts.push(count);
}

/** Numbers of findings, with the places that follow each. */
export function countsOf(nodes: readonly Node[]): StatedCount[] {
  const stated = nodes.flatMap((node, at) => {
    if (node.kind === 'group' || !isCount(nodes, at) || isOfLandmark(nodes, at) || isPartitive(nodes, at))
      return [];
    const { item } = node;
    const count = markOf(item, 'count') ?? markOf(item, 'number');
    return count === undefined ? [] : [{ value: count.value, item, at }];
  });
  if (stated.length > 0) {
    const ones = nodes.flatMap((node, at) =>
      node.kind === 'item' && countsOne(nodes, at) ? [{ value: 1, item: node.item, at }] : [],
    );
    // "an isolated nodule, two on the right": one of them says how many
    const numbers = stated.map(({ at }) => at);
    stated.push(...ones.filter(({ at }) => !numbers.some((one) => isSamePart(nodes, at, one))));
    stated.sort((a, b) => a.at - b.at);
  }
  return stated.map((one, i) => {
    const { from, to } = pieceAt(nodes, one.at);
    const alone = !stated.some(({ at }) => at !== one.at && at >= from && at < to);
    const piece = nodes.slice(from, to).flatMap((node) => (node.kind === 'group' ? [node.group] : []));
    if (alone && piece.length > 0) return { ...one, groups: piece }; // "RUL 3 nodules, LLL 1"
    const rest = nodes.slice(one.at, stated[i + 1]?.at);
    const colon = rest.findIndex((node) => isItem(node, 'colon'));
    const own = colon < 0 ? rest : rest.slice(0, colon); // "three foci: in the RUL and ..."
    return { ...one, groups: own.flatMap((node) => (node.kind === 'group' ? [node.group] : [])) };
  });
}

/** Whether no comma, colon or "and" is between two nodes. */
function isSamePart(nodes: readonly Node[], a: number, b: number): boolean {
  return !nodes
    .slice(Math.min(a, b), Math.max(a, b))
    .some((node) => isEnd(node) || isItem(node, 'comma', 'and', 'colon'));
}

/** "Of the two nodules only the one on the left remains": not the number of what is there. */
function isPartitive(nodes: readonly Node[], at: number): boolean {
  const lead = nodes.slice(0, at);
  return (
    lead.some((node) => isItem(node, 'link')) &&
    lead.every((node) => isItem(node, 'link', 'filler', 'ignored')) &&
    nodes.slice(at).some((node) => isItem(node, 'only'))
  );
}

/** "a patch on the left, two on the right", "two on the right, one on the left" where "one" is an article. */
function countsOne(nodes: readonly Node[], at: number): boolean {
  if (!isItem(nodes[at], 'article') || isItem(nodes[at], 'finding')) return false;
  const { from, to } = pieceAt(nodes, at);
  const placed = nodes.slice(from, to).some(({ kind }) => kind === 'group');
  let next = at + 1;
  while (isItem(nodes[next], 'link', 'range')) next++;
  const joined = nodes
    .slice(from, at)
    .map((node) => isItem(node, 'and'))
    .lastIndexOf(true);
  const lead = nodes.slice(from + joined + 1, at);
  const first = lead.every((node) => node.kind === 'group' || isItem(node, 'filler', 'ignored', 'link'));
  return placed && (nodes[next]?.kind === 'group' || (first && leadsToFinding(nodes, at)));
}

/** "Double left heart border": said of a landmark, which describes no finding ("several fissural nodules"). */
function isOfLandmark(nodes: readonly Node[], at: number): boolean {
  const telling = (from: number): number => {
    let i = from;
    while (isItem(nodes[i], 'filler', 'ignored') && !isItem(nodes[i], 'landmark', 'finding', 'foreign')) i++;
    return i;
  };
  const next = telling(at + 1);
  if (!isItem(nodes[next], 'landmark') || isItem(nodes[next], 'finding')) return false;
  return !isItem(nodes[telling(next + 1)], 'finding', 'foreign', 'landmark');
}

function wholeItem(span: Span): Item {
  return { marks: [{ kind: 'extent', value: 'diffuse' }], span };
}

/** Words count unless they measure ("two days"); digits only what is named after them, or as a field's value. */
function isCount(nodes: readonly Node[], at: number): boolean {
  const beyond = pastMeasure(nodes, at + 1); // "one 9 mm nodule"
  const beside = (i: number): boolean => isItem(nodes[i], 'unit', 'number', 'slash', 'ignored');
  const times = isItem(nodes[at - 1], 'times') && isItem(nodes[at - 2], 'finding');
  if (times && !beside(at + 1)) return true; // "opacities x 2"
  if (beside(at - 1) || (beyond === at + 1 && beside(beyond))) return false;
  // "2 - 3 nodules" leaves it open
  const between =
    [at - 1, at + 1].some((i) => isItem(nodes[i], 'range', 'or')) &&
    [at - 2, at + 2].some((i) => isItem(nodes[i], 'number', 'count'));
  if (between) return false;
  if (isItem(nodes[at], 'count')) return true;
  return (
    pastMeasure(nodes, at) === at && (leadsToFinding(nodes, at) || isValue(nodes, at) || isTally(nodes, at))
  );
}

/** Where a size such as "9 mm" or "9 x 12 mm" ends. */
function pastMeasure(nodes: readonly Node[], from: number): number {
  let i = from;
  while (isItem(nodes[i], 'number', 'ignored', 'range', 'times')) i++;
  return i > from && isItem(nodes[i], 'unit') ? i + 1 : from;
}

/** "3 small nodules", "2 right basal opacities", "2 areas of consolidation", and "1 on the left" after "3 nodules". */
function leadsToFinding(nodes: readonly Node[], at: number): boolean {
  for (let i = pastMeasure(nodes, at + 1); i < nodes.length; i++) {
    const node = nodes[i];
    if (isItem(node, 'finding')) return true;
    if (node?.kind === 'group') {
      const named = at === 0 || nodes.slice(0, at).some((one) => isItem(one, 'finding'));
      const linked = nodes.slice(at, i).some((one) => isItem(one, 'link'));
      if (named && linked && !isItem(nodes[at - 1], 'foreign', 'landmark', 'range')) return true;
    } else if (!isItem(node, ...PASSED, 'organ', 'link') || isItem(node, 'number', 'foreign')) return false;
  }
  return false;
}

/** "RUL 2 nodules, LLL 1": a place and a number, after a finding with a number. */
function isTally(nodes: readonly Node[], at: number): boolean {
  const { from, to } = pieceAt(nodes, at);
  const before = nodes.slice(0, from);
  const counted =
    before.some((node) => isItem(node, 'number', 'count')) && before.some((node) => isItem(node, 'finding'));
  const piece = nodes.slice(from, to).filter((node) => node !== nodes[at] && !isItem(node, 'filler', 'link'));
  return counted && piece.length === 1 && piece[0]?.kind === 'group';
}

/** "Number: 2." */
function isValue(nodes: readonly Node[], at: number): boolean {
  return isItem(nodes[at - 1], 'colon') && (at + 1 === nodes.length || isItem(nodes[at + 1], 'comma'));
}

function nearest(nodes: readonly Node[], heads: readonly Head[], at: number): Head | null {
  const own = heads.find((head) => head.at === at);
  if (own) return own;
  const next = heads.find((head) => head.at > at);
  const prev = heads.filter((head) => head.at < at).pop();
  const apart = (from: number, to: number): number =>
    nodes
      .slice(from, to)
      .reduce(
        (sum, node) =>
          sum + (isEnd(node) ? 9 : isItem(node, 'comma', 'with') ? 3 : isItem(node, 'and') ? 2 : 0),
        0,
      );
  const toNext = next ? apart(at + 1, next.at) : Number.POSITIVE_INFINITY;
  const toPrev = prev ? apart(prev.at + 1, at) : Number.POSITIVE_INFINITY;
  if (next && (toNext < toPrev || (toNext === toPrev && !wins(prev, next, at)))) return next;
  return prev ?? next ?? null;
}

/** "otherwise clear", "clear except for": no absence is concluded. */
export function markIdle(nodes: readonly Node[], heads: readonly Head[]): void {
  for (const [i, node] of nodes.entries()) {
    if (isItem(node, 'residual') && !heads.some(({ at }) => at === i)) {
      const piece = pieceAt(nodes, i);
      for (const head of heads) if (head.at >= piece.from && head.at < piece.to) head.idle = true;
    }
    if (isItem(node, 'except')) {
      const before = heads.some(({ at, cloned }) => at < i && !cloned);
      const { to } = pieceAt(nodes, i + 1);
      for (const head of heads) if (!head.cloned && (before ? head.at < i : head.at >= to)) head.idle = true;
    }
  }
}

/** Between two heads equally near: the word directly before, or a finding rather than something foreign. */
function wins(prev: Head | undefined, next: Head, at: number): boolean {
  if (prev === undefined) return false;
  return prev.at === at - 1 || (prev.kind === 'finding' && next.kind === 'foreign');
}
