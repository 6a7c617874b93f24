/** Places said to be affected or free, from the heads of all sentences; contradictions and alternatives. */
import type { Side } from '../note.js';
import { compatible } from './alternatives.js';
import type { AttachedGroup, Head, Sentence } from './heads.js';
import { isItem, type Node, pieceAt } from './nodes.js';
import type { Vocabulary } from './vocabulary-shape.js';
import type { Placed } from './place-group.js';

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

const BOTH: readonly Side[] = ['left', 'right'];

/** Everything that the sentences say about findings, in order; doubtful statements have no places. */
export function statementsOf(
  sentences: readonly Sentence[],
  canonical: Vocabulary['canonical'],
  doubts: Doubts,
): readonly Statement[] {
  const statements: Statement[] = [];
  for (const sentence of sentences) {
    for (const head of sentence.heads) {
      if (head.kind === 'foreign' || head.kind === 'landmark') continue;
      const statement = statementOf(sentence, head, canonical, doubts);
      if (statement !== null) statements.push(statement);
    }
    eitherFinding(sentence, statements, doubts);
  }
  leftOpen(sentences, statements, doubts);
  onlyThere(sentences, statements, doubts);
  withoutVaguePlaces(statements);
  withoutVagueAbsence(statements);
  checkAgainstEachOther(statements, canonical.general, doubts);
  withoutPresent(statements);
  return withoutAnswered(statements);
}

/** "Haze at both bases, no infiltrate": not both affected and free. */
function withoutPresent(statements: readonly Statement[]): void {
  const found = statements.filter(({ present }) => present).flatMap(({ places }) => places);
  for (const free of statements.filter(({ head, present }) => !present && head.kind === 'finding'))
    free.places = free.places.filter(
      (place) => !found.some((one) => one.side === place.side && covers(place, one)),
    );
}

/** "Lower zone shadow; cannot tell which side." */
function leftOpen(sentences: readonly Sentence[], statements: readonly Statement[], doubts: Doubts): void {
  const open = sentences.some(({ nodes }) => nodes.some((node) => isItem(node, 'undecided')));
  const found = sentences.some(({ nodes }) => nodes.some((node) => isItem(node, 'finding')));
  if (!open || !found) return;
  doubts.ambiguous = true;
  for (const one of statements) if (one.present) one.places = [];
}

/** "RML collapse, left side affected only", "bibasal opacities, limited to the right base". */
function onlyThere(sentences: readonly Sentence[], statements: readonly Statement[], doubts: Doubts): void {
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

/** "Infection of the lungs, in the upper left": the organ says nothing where a place is named. */
function withoutVaguePlaces(statements: readonly Statement[]): void {
  const vague = ({ head }: Statement): boolean => head.groups.every(({ group }) => group.organ);
  const present = statements.filter((one) => one.present && one.places.length > 0);
  if (present.some((one) => !vague(one))) for (const one of present.filter(vague)) one.places = [];
}

/** "?Pneumonia. No consolidation.": what was asked before is answered. */
function withoutAnswered(statements: readonly Statement[]): readonly Statement[] {
  const answered = statements.findIndex(({ everywhere }) => everywhere);
  return statements.filter(
    ({ head, present, places }, i) =>
      !(i < answered && present && places.length === 0 && head.groups.length === 0 && head.uncertain),
  );
}

/** "Mass in the right apex. No consolidation.": nothing is said about the places of other findings. */
function withoutVagueAbsence(statements: readonly Statement[]): void {
  const found = statements.filter(({ present, places }) => present && places.length > 0);
  for (const one of statements) {
    const contradicted = found.some(({ head }) => head.name === one.head.name);
    if (found.length > 0 && one.everywhere && one.head.kind === 'finding' && !contradicted) one.places = [];
  }
}

function statementOf(
  sentence: Sentence,
  head: Head,
  { paired, anywhere, lesser }: Vocabulary['canonical'],
  doubts: Doubts,
): Statement | null {
  const present = head.kind === 'clear' ? head.negated : !head.negated;
  if (head.groups.some(({ group }) => group.contradicts)) doubts.contradicts = true;
  let places = combine(
    head.groups,
    paired,
    sideGiven(sentence, head) ?? (present ? null : sideBefore(sentence, head)),
  );
  let everywhere = false;
  if (present) {
    if (head.groups.some(({ group }) => group.alternatives)) {
      doubts.ambiguous = true;
      places = [];
    }
    if (contradicts(head.groups, places)) {
      doubts.contradicts = true;
      places = [];
    }
  } else if (head.idle) places = [];
  else if (head.groups.length === 0) {
    if (!concludes(sentence, head, anywhere)) return null;
    everywhere = paired && !lesser.includes(head.name);
    if (everywhere) places = BOTH.map((side) => ({ side, zones: [], spans: [head.item.span] }));
  }
  return { head, sentence, present, places, everywhere };
}

/**
 * The side that a clause states for all its findings: "on the left there is haze above and consolidation at
 * the base", "the left lung is clear except for the base".
 */
function sideGiven({ nodes, heads }: Sentence, head: Head): Side | null {
  const except = nodes.some((node) => isItem(node, 'except'));
  const first = nodes.find((node) => node.kind === 'group');
  const givers = except
    ? heads.filter((one) => one.kind === 'clear').flatMap(({ groups }) => groups.map(({ group }) => group))
    : first?.kind === 'group' && nodes.indexOf(first) < Math.min(...heads.map(({ at }) => at))
      ? [first.group]
      : [];
  const near = heads.filter((one) => one.at < head.at && one.kind === 'finding').pop();
  const joined =
    near && nodes.slice(near.at, head.at).every((node) => !isItem(node, 'comma', 'but', 'and', 'or'));
  if (joined && givers.length === 0) givers.push(...near.groups.map(({ group }) => group));
  const end = nodes.slice(0, head.at).some((node) => isItem(node, 'but'));
  const places = givers.flatMap((group) => [...group.places]);
  const [place] = places;
  return !end && places.length === 1 && place?.zones.length === 0 ? place.side : null;
}

/** "LUL pneumonia, lower lobe clear": of the same side. */
function sideBefore({ heads }: Sentence, { at }: Head): Side | null {
  const before = heads.filter((head) => head.at < at && head.kind === 'finding');
  const places = before.flatMap(({ groups }) => groups.flatMap(({ group }) => [...group.places]));
  const [side, other] = new Set(places.flatMap((place) => place.side ?? []));
  return other === undefined ? (side ?? null) : null;
}

/** Whether "clear" or "no consolidation" without a place is about the whole organ. */
function concludes({ nodes, heads }: Sentence, head: Head, anywhere: readonly string[]): boolean {
  if (head.cloned) return false;
  // "no ... abnormality" may be about anything
  const described = [head.at - 1, head.at + 1].some((i) => isItem(nodes[i], 'unread'));
  if (head.kind === 'finding') return !(described && anywhere.includes(head.name));
  const { from, to } = pieceAt(nodes, head.at);
  const title = pieceAt(nodes, from - 1); // "hila - normal"
  const titles = heads.filter((one) => one.at >= title.from && one.at < title.to);
  const titled = titles.length > 0 && titles.every(({ kind }) => kind === 'foreign' || kind === 'landmark');
  if (
    from > 0 &&
    titled &&
    title.to - title.from <= 3 &&
    nodes.slice(from, head.at).every((node) => isItem(node, 'filler'))
  )
    return false;
  return (
    !nodes.slice(from, to).some((node) => isItem(node, 'unread')) &&
    !heads.some((one) => one !== head && one.at >= from && one.at < to)
  );
}

/** A side from one group and heights from another make one place: "right-sided opacity in the lower zone". */
export function combine(
  groups: readonly AttachedGroup[],
  paired: boolean,
  given: Side | null = null,
): Placed[] {
  const named = groups.filter(({ group }) => !group.organ);
  const all = (named.length > 0 ? named : groups).flatMap(({ group }) => [...group.places]);
  const heights = all.filter(
    ({ side, zones, plural }) => side === null && (zones.length > 0 || plural === true),
  );
  const sided = all.filter(({ side }) => side !== null);
  const sides = new Set(sided.filter(isWholeSide).map(({ side }) => side));
  const spansOf = (side: Side | null): readonly Placed[] =>
    sided.filter((one) => one.side === side && one.zones.length === 0);
  const startOf = ({ spans }: Placed): number => spans[0]?.start ?? 0;
  const made = heights.flatMap((place) => {
    // "RLL, spreading to the middle zone" stays on the side; "lower zone and left apex" leaves it open.
    const before = new Set(sided.filter((one) => startOf(one) < startOf(place)).map(({ side }) => side));
    const open = place.plural ? BOTH : [given];
    // In a picture "the top left and the centre" are two places.
    const into = sides.size > 0 ? [...sides] : paired && before.size === 1 ? [...before] : open;
    return into.map((side) => ({
      ...place,
      side,
      spans: [...spansOf(side).flatMap(({ spans }) => spans), ...place.spans],
    }));
  });
  return withoutRepeats([...sided, ...made.filter(({ side, zones }) => side !== null || zones.length < 3)]);
}

/** Names no height, or all. */
function isWholeSide({ zones }: Placed): boolean {
  return zones.length === 0 || zones.length === 3;
}

/** Each place once, and no bare side if one of its zones is named. */
export function withoutRepeats(places: readonly Placed[]): Placed[] {
  const kept = new Map<string, Placed>();
  for (const place of places) {
    const key = `${place.side ?? ''} ${place.zones.join(' ')}`;
    const before = kept.get(key);
    const spans = [...(before?.spans ?? []), ...place.spans].filter(
      (span, i, list) => list.findIndex((one) => one.start === span.start && one.end === span.end) === i,
    );
    kept.set(key, { ...place, spans: spans.sort((a, b) => a.start - b.start) });
  }
  const list = [...kept.values()];
  return list.filter(
    ({ side, zones }) => zones.length > 0 || !list.some((one) => one.side === side && one.zones.length > 0),
  );
}

/** Places free of findings: a side includes its heights. */
export function widest(places: readonly Placed[]): Placed[] {
  const whole = new Set(places.filter(isWholeSide).map(({ side }) => side));
  return places.filter((place) => isWholeSide(place) || !whole.has(place.side));
}

function contradicts(groups: readonly AttachedGroup[], places: readonly Placed[]): boolean {
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
function eitherFinding({ nodes, heads }: Sentence, statements: readonly Statement[], doubts: Doubts): void {
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

export function names(places: readonly Placed[]): string[] {
  return places.flatMap(({ side, zones }) =>
    zones.length === 0 ? [side ?? ''] : zones.map((zone) => (side === null ? zone : `${zone} ${side}`)),
  );
}

/** A place both affected and free: neither is taken. */
function checkAgainstEachOther(
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

/** Whether a free place contains an affected one, or the other way round. */
function covers(free: Placed, hit: Placed): boolean {
  if (isWholeSide(free)) return true;
  return hit.zones.length > 0 && free.zones.some((zone) => hit.zones.includes(zone));
}
