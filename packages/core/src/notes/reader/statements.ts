/** Places said to be affected or free, from the heads of all sentences. */
import type { Side } from '../note.js';
import {
  checkAgainstEachOther,
  contradicts,
  type Doubts,
  eitherFinding,
  leftOpen,
  onlyThere,
  summedUpElsewhere,
  type Statement,
  withoutPast,
} from './contradictions.js';
import type { AttachedGroup, Head, Sentence } from './heads.js';
import { isItem, pieceAt } from './nodes.js';
import type { Vocabulary } from './vocabulary-shape.js';
import { covers, isWholeSide, type Placed } from './place-group.js';

const BOTH: readonly Side[] = ['left', 'right'];

/** Everything that the sentences say about findings, in order; doubtful statements have no places. */
export function statementsOf(
  sentences: readonly Sentence[],
  canonical: Vocabulary['canonical'],
  doubts: Doubts,
): readonly Statement[] {
  const said: Statement[] = [];
  for (const sentence of sentences) {
    for (const head of sentence.heads) {
      if (head.kind === 'foreign' || head.kind === 'landmark') continue;
      const statement = statementOf(sentence, head, canonical, doubts);
      if (statement !== null) said.push(statement);
    }
    eitherFinding(sentence, said, doubts);
  }
  const statements = withoutPast(said);
  leftOpen(sentences, statements, doubts);
  onlyThere(sentences, statements, doubts);
  summedUpElsewhere(sentences, statements, doubts);
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
    sideGiven(sentence, head) ?? (present && !paired ? null : sideBefore(sentence, head, present)),
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

/**
 * "LUL pneumonia, lower lobe clear", "left rib opacity, an apical lesion": of the same side. "RUL opacity and a
 * basal patch" leaves the side of what is present open.
 */
function sideBefore({ nodes, heads }: Sentence, { at }: Head, present: boolean): Side | null {
  const { from, to } = pieceAt(nodes, at);
  // "the upper zones on the left have cleared and only the base remains hazy"
  const rest = nodes.slice(from, to).some((node) => isItem(node, 'only'));
  const before = heads.filter((head) => head.at < at && (rest || head.kind === 'finding'));
  const places = before.flatMap(({ groups }) => groups.flatMap(({ group }) => [...group.places]));
  if (present && !rest && places.some(({ zones }) => zones.length > 0)) return null;
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

export function names(places: readonly Placed[]): string[] {
  return places.flatMap(({ side, zones }) =>
    zones.length === 0 ? [side ?? ''] : zones.map((zone) => (side === null ? zone : `${zone} ${side}`)),
  );
}
