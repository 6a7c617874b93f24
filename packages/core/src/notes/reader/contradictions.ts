/** What a note says twice in ways that exclude each other, and what it leaves open. */
import { compatible } from './alternatives.js';
import type { AttachedGroup, Head, Sentence } from './heads.js';
import { isItem, type Node, pieceAt } from './nodes.js';
import { covers, type Placed } from './place-group.js';

export interface Statement {
  readonly head: Head;
  readonly sentence: Sentence;
  readonly present: boolean;
  places: readonly Placed[];
  /** From "no consolidation" or "clear" without a place. */
  readonly everywhere: boolean;
}

export interface Doubts {
  ambiguous: boolean;
  contradicts: boolean;
}

/** "Lower zone shadow; cannot tell which side.", "Opacity at one lung base." */
export function leftOpen(
  sentences: readonly Sentence[],
  statements: readonly Statement[],
  doubts: Doubts,
): void {
  const open = sentences.some(({ nodes }) => nodes.some((node) => isItem(node, 'undecided')));
  const found = sentences.some(({ nodes }) => nodes.some((node) => isItem(node, 'finding')));
  if (!(open && found) && (doubts.contradicts || !isOneOfTwo(statements))) return;
  doubts.ambiguous = true;
  for (const one of statements) if (one.present) one.places = [];
}

/** Whether a finding is on one side, and no side is named. */
function isOneOfTwo(statements: readonly Statement[]): boolean {
  const present = statements.filter((one) => one.present);
  const unilateral = present.some(({ head }) => head.groups.some(({ group }) => group.unilateral));
  return unilateral && present.every(({ places }) => places.every(({ side }) => side === null));
}

/** "Nodule in the right lung. Impression: left lung nodule.": a summary of places that were not found. */
export function summedUpElsewhere(
  sentences: readonly Sentence[],
  statements: readonly Statement[],
  doubts: Doubts,
): void {
  const at = sentences.findIndex(({ nodes }) => nodes.some((_, i) => isConclusion(nodes, i)));
  if (at < 0) return;
  const { nodes } = sentences[at]!;
  const from = nodes.findIndex((_, i) => isConclusion(nodes, i));
  const isAfter = ({ head, sentence }: Statement): boolean => {
    const own = sentences.indexOf(sentence);
    return own > at || (own === at && head.at > from);
  };
  const placed = statements.filter(
    ({ present, places }) => present && places.some(({ side }) => side !== null),
  );
  const [found, summary] = [placed.filter((one) => !isAfter(one)), placed.filter(isAfter)];
  if (found.length === 0 || summary.length === 0) return;
  const fits = (place: Placed): boolean =>
    found.some(({ places }) => places.some((one) => compatible(one, place)));
  if (summary.some(({ places }) => places.some(fits))) return;
  doubts.contradicts = true;
  for (const one of statements) one.places = [];
}

/** "Impression:", "In conclusion, ..." */
function isConclusion(nodes: readonly Node[], at: number): boolean {
  const opens = nodes.slice(0, at).every((node) => isItem(node, 'filler', 'ignored', 'link'));
  return isItem(nodes[at], 'conclusion') && (opens || isItem(nodes[at + 1], 'colon', 'comma'));
}

/** "RML collapse, left side affected only", "bibasal opacities, limited to the right base". */
export function onlyThere(
  sentences: readonly Sentence[],
  statements: readonly Statement[],
  doubts: Doubts,
): void {
  const present = statements.filter((one) => one.present);
  for (const { nodes } of sentences) {
    for (const [i, node] of nodes.entries()) {
      if (node.kind !== 'group' || node.group.organ || !isExclusive(nodes, i)) continue;
      const within = (place: Placed): boolean => node.group.places.some((one) => compatible(one, place));
      const sides = node.group.places.every(({ side, zones }) => side !== null && zones.length === 0);
      const own = present.filter(
        ({ head }) => sides || head.groups.some(({ group }) => group === node.group),
      );
      if (!own.every(({ places }) => places.every(within))) doubts.contradicts = true;
    }
  }
}

/** "on the left only", "only on the left"; "only left basal atelectasis" is about the finding. */
function isExclusive(nodes: readonly Node[], at: number): boolean {
  let i = at + 1;
  while (isItem(nodes[i], 'filler', 'finding', 'ignored') && !isItem(nodes[i], 'only')) i++;
  const { to } = pieceAt(nodes, at);
  const after = isItem(nodes[i], 'only') && nodes.slice(i + 1, to).every((node) => isItem(node, 'finding'));
  let j = at - 1;
  while (isItem(nodes[j], 'filler', 'ignored', 'link') && !isItem(nodes[j], 'only')) j--;
  const linked = nodes.slice(j, at).some((node) => isItem(node, 'link'));
  return after || (isItem(nodes[j], 'only') && linked);
}

/** Whether the places of one finding exclude each other. */
export function contradicts(groups: readonly AttachedGroup[], places: readonly Placed[]): boolean {
  if (groups.some(({ group }) => group.contradicts)) return true;
  const named = groups.some(({ group }) => !group.organ && group.places.length > 0);
  const sides = new Set(places.map(({ side }) => side).filter((side) => side !== null));
  if (named && sides.size > 1 && groups.some(({ group }) => group.unilateral)) return true;
  const of = (direct: AttachedGroup['direct']): Placed[] =>
    groups
      .filter((one) => one.direct === direct && !one.group.organ)
      .flatMap(({ group }) => [...group.places]);
  const [before, after] = [of('before'), of('after')];
  if (before.length === 0) return false;
  // "both opacities in the RUL"
  const pair = before.length === 2 && before.every(({ zones }) => zones.length === 0);
  const into = new Set(after.map(({ side }) => side));
  if (pair && before[0]?.side !== before[1]?.side && into.size === 1 && !into.has(null)) return true;
  return after.some((place) => !before.some((one) => compatible(one, place)));
}

/** "consolidation at the left base or opacity at the right base". */
export function eitherFinding(
  { nodes, heads }: Sentence,
  statements: readonly Statement[],
  doubts: Doubts,
): void {
  const own = statements.filter(({ head, present }) => present && heads.includes(head));
  for (let i = 1; i < own.length; i++) {
    const [a, b] = [own[i - 1]!, own[i]!];
    if (!nodes.slice(a.head.at + 1, b.head.at).some((node) => isItem(node, 'or'))) continue;
    if (a.places.length === 0 || b.places.length === 0) continue;
    const within = (one: Statement, other: Statement): boolean =>
      one.places.every((place) => other.places.some((wide) => compatible(place, wide)));
    if (within(a, b) || within(b, a)) continue; // "haze on the right, vessels or RML consolidation"
    doubts.ambiguous = true;
    a.places = [];
    b.places = [];
  }
}

/** "The right base, consolidated last week, is now clear": what is clear now was affected before. */
export function withoutPast(statements: readonly Statement[]): Statement[] {
  const past = new Set<Statement>();
  for (const [i, free] of statements.entries()) {
    if (!isClearNow(free)) continue;
    const earlier = statements.slice(0, i).filter(({ places }) => places.length > 0);
    const last = isAllClear(free.sentence) ? earlier[earlier.length - 1]?.sentence : free.sentence;
    const about = earlier.filter(({ present, sentence }) => present && sentence === last);
    const within = ({ places }: Statement): boolean =>
      places.every((hit) => free.places.some((one) => one.side === hit.side && covers(one, hit)));
    if (about.length === 0 || !about.every(within)) continue;
    if (free.everywhere) free.places = about.flatMap(({ places }) => places);
    for (const one of about) past.add(one);
  }
  return statements.filter((one) => !past.has(one));
}

function isClearNow({ head, sentence, present }: Statement): boolean {
  const { from, to } = pieceAt(sentence.nodes, head.at);
  const now = sentence.nodes.slice(from, to).some((node) => isItem(node, 'now'));
  return !present && head.kind === 'clear' && now;
}

/** "It is now clear." */
function isAllClear({ nodes }: Sentence): boolean {
  return nodes.every((node) =>
    isItem(node, 'clear', 'filler', 'ignored', 'now', 'auxiliary', 'pronoun', 'comma'),
  );
}

/** A place both affected and free: neither is taken. */
export function checkAgainstEachOther(
  statements: readonly Statement[],
  general: readonly string[],
  doubts: Doubts,
): void {
  const doubtful = new Set<Statement>();
  for (const free of statements.filter(({ present }) => !present)) {
    for (const hit of statements.filter(({ present }) => present)) {
      const same = free.head.name === hit.head.name || (general.includes(free.head.name) && !free.everywhere);
      if (free.head.kind === 'finding' && !same) continue;
      if (free.head.kind === 'finding' && free.sentence === hit.sentence && free.head.cloned) continue;
      const both = free.places.some((a) =>
        hit.places.some((b) => (a.side === b.side || (a.side === null && free.everywhere)) && covers(a, b)),
      );
      if (both) doubtful.add(free).add(hit);
    }
  }
  if (doubtful.size > 0) doubts.contradicts = true;
  for (const statement of doubtful) statement.places = [];
}
