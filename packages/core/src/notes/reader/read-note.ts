/**
 * Reads free text about findings and their places, in the words of a vocabulary. Nothing is guessed: what is
 * ambiguous or contradictory gives a warning and no place, and an unknown word next to a place makes the note
 * incomplete.
 */
import { listedWords, quotedWords } from '../quoted-words.js';
import type { Warning } from '../../warnings.js';
import { chest } from './chest.js';
import type { FreeNote, ReadItem, ReadPlace, Span } from './free-note.js';
import { Amounts, checkedField, isField } from './fields.js';
import type { Head, Sentence } from './heads.js';
import { has, type Item, markOf, sentencesOf } from './items.js';
import { type Extent, languageOf, lexiconsOf } from './lexicon.js';
import { mended } from './mend.js';
import { differ } from './alternatives.js';
import { isItem, pieceAt } from './nodes.js';
import type { PlaceGroup, SideMemory } from './places.js';
import { readSentence } from './sentence.js';
import { combine, type Doubts, type Statement, statementsOf, withoutRepeats } from './statements.js';
import { type Token, tokensOf } from './tokens.js';
import type { Vocabulary } from './vocabulary.js';

/** Reads a note in any of the vocabulary's languages. Never throws. */
export function readNote(text: string, vocabulary: Vocabulary = chest()): FreeNote {
  const typed = tokensOf(text);
  const lexicon = languageOf(typed, lexiconsOf(vocabulary));
  const tokens = mended(typed, lexicon);
  const { paired } = vocabulary.canonical;
  const after = lexicon.language.places === 'after';
  const { topics } = lexicon.language;
  const memory: SideMemory = { last: null };
  const sentences: Sentence[] = [];
  const pending: PlaceGroup[] = [];
  let before: Head | null = null;
  let loose = 0;
  let elsewhere = false; // the last sentence was about something else
  const amounts = new Amounts();
  for (const items of sentencesOf(text, tokens, lexicon)) {
    const sentence = readSentence(items, memory, { paired, after, topics, before });
    sentences.push(sentence);
    const own = sentence.heads.filter(({ kind }) => kind === 'finding');
    const waiting = own.find(({ groups }) => groups.length === 0);
    if (waiting && pending.length > 0)
      waiting.groups.push(...pending.splice(0).map((group) => ({ group, direct: null })));
    const field = isField(sentence.nodes);
    if (sentence.loose.length > 0) {
      const known =
        sentence.heads.length === 0 && !sentence.nodes.some((node) => isItem(node, 'unread', 'history'));
      const earlier: readonly PlaceGroup[] = [
        ...pending,
        ...(before?.groups.map(({ group }) => group) ?? []),
      ];
      const found = sentence.loose.map((group) =>
        field ? checkedField(group, earlier) : asksAgain(sentence, group, earlier),
      );
      if (known && elsewhere) loose++;
      else if (known && before !== null && !before.negated)
        before.groups.push(...found.map((group) => ({ group, direct: null })));
      else if (known) pending.push(...found);
      else if (!sentence.nodes.some((node) => isItem(node, 'history'))) loose++;
    }
    // "It is solitary." is about the finding before, "It may be a scar." too.
    if (sentence.heads.length === 0 && !elsewhere && (before !== null || field))
      amounts.add(sentence.nodes, field);
    const told =
      own.find(({ negated }) => !negated) ?? (field || sentence.heads.length === 0 ? before : null);
    if (told) amounts.giveTo(told);
    if (before !== null && !elsewhere && own.length === 0) before.uncertain ??= doubtOf(sentence);
    before = own.filter(({ idle }) => !idle).pop() ?? before;
    const named = sentence.heads.filter(({ kind }) => kind === 'finding' || kind === 'foreign');
    if (named.length > 0)
      elsewhere = named.every(({ kind }) => kind === 'foreign') && !startsWithPronoun(sentence);
  }
  const doubts: Doubts = { ambiguous: false, contradicts: false };
  const statements = statementsOf(sentences, vocabulary.canonical, doubts);
  const placesOnly =
    pending.length > 0 && statements.length === 0 && sentences.every(({ heads }) => heads.length === 0);
  if (pending.length > 0 && !placesOnly) loose++;
  if (pending.some(({ contradicts }) => contradicts)) doubts.contradicts = true;
  if (pending.some(({ alternatives }) => alternatives)) doubts.ambiguous = true;
  const alone = placesOnly && !doubts.contradicts && !doubts.ambiguous;
  const lone = alone ? combine(pending.map((group) => ({ group, direct: null }))) : [];
  const present = statements.filter((statement) => statement.present);
  const places = withoutRepeats([...present.flatMap((one) => one.places), ...lone]).map(readPlace);
  const absent = withoutRepeats(statements.filter((one) => !one.present).flatMap((one) => one.places)).map(
    readPlace,
  );
  const unread = sentences.flatMap(({ nodes }) =>
    nodes.flatMap((node) => (isItem(node, 'unread') ? [node.span] : [])),
  );
  const relevant = sentences.flatMap(relevantUnread);
  const nothing = statements.length === 0 && !placesOnly;
  const partly = relevant.length > 0 || loose > 0 || (nothing && unread.length > 0);
  const warnings = [
    ...doubtWarnings(doubts),
    ...mendedWarning(tokens),
    ...(partly ? [partlyRead(text, relevant.length > 0 ? relevant : loose > 0 ? [] : unread)] : []),
  ];
  return {
    language: lexicon.code,
    places,
    absent,
    findings: findingsOf(present),
    ...amountOf(present),
    uncertain: uncertaintyOf(present),
    laterality: lateralityOf(places),
    unread,
    complete: !partly && !doubts.ambiguous && !doubts.contradicts,
    warnings,
  };
}

/** "... left lower lobe. Or right?" */
function asksAgain({ nodes }: Sentence, group: PlaceGroup, earlier: readonly PlaceGroup[]): PlaceGroup {
  const open = isItem(nodes[0], 'or') || nodes.some((node) => isItem(node, 'maybe'));
  return open && earlier.some((one) => differ(one, group)) ? { ...group, alternatives: true } : group;
}

function startsWithPronoun({ nodes }: Sentence): boolean {
  return isItem(nodes[0], 'pronoun');
}

/** "It is probably a neoplasm." */
function doubtOf(sentence: Sentence): Item | null {
  if (!startsWithPronoun(sentence)) return null;
  if (sentence.heads.some((head) => head.negated || !has(head.item, 'nature'))) return null;
  const doubt = sentence.nodes.find((node) => isItem(node, 'maybe'));
  return doubt?.kind === 'item' ? doubt.item : null;
}

const readPlace = ({ side, zones, spans }: ReadPlace): ReadPlace => ({ side, zones, spans });

function readItem<T>(value: T, { span, typed }: Item): ReadItem<T> {
  return typed === undefined ? { value, span } : { value, span, typed };
}

function findingsOf(present: readonly Statement[]): ReadItem<string>[] {
  const own = present.filter(({ head }) => head.kind === 'finding' && !head.cloned);
  return own.map(({ head }) => readItem(head.name, head.item));
}

/** A number is the whole if later ones add up to it or less ("two: one on the left and one on the right"). */
function amountOf(present: readonly Statement[]): Pick<FreeNote, 'count' | 'extent'> {
  const counts = present
    .flatMap(({ head }) => head.counts)
    .sort((a, b) => a.item.span.start - b.item.span.start);
  const [first, ...others] = counts;
  const rest = others.reduce((sum, { value }) => sum + value, 0);
  const count = first
    ? readItem(rest <= first.value && first.value > 1 ? first.value : first.value + rest, first.item)
    : null;
  const extents = present
    .flatMap(({ head }) => head.extents)
    .flatMap((item) => {
      const mark = markOf(item, 'extent');
      return mark ? [readItem(mark.value, item)] : [];
    });
  const of = (value: Extent): ReadItem<Extent> | null => extents.find((one) => one.value === value) ?? null;
  if (count !== null && count.value > 1) return { count, extent: { ...count, value: 'multifocal' } };
  const said = of('diffuse') ?? of('multifocal') ?? of('focal');
  return { count, extent: said ?? (count === null ? null : { ...count, value: 'focal' }) };
}

function uncertaintyOf(present: readonly Statement[]): ReadItem<true> | null {
  for (const { head, sentence } of present) {
    if (head.uncertain) return readItem(true, head.uncertain);
    // "opacity, may represent atelectasis": the nature of the finding
    for (const other of sentence.heads) {
      if (other.uncertain === null || !has(other.item, 'nature') || other.negated || other.at < head.at)
        continue;
      const at = sentence.nodes.findIndex((node) => node.kind === 'item' && node.item === other.uncertain);
      const between = sentence.nodes.slice(head.at + 1, at);
      if (at > head.at && !between.some((node) => isItem(node, 'with', 'and', 'but')))
        return readItem(true, other.uncertain);
    }
  }
  return null;
}

function lateralityOf(places: readonly ReadPlace[]): FreeNote['laterality'] {
  const sides = new Set(places.map(({ side }) => side));
  if (sides.has('left') && sides.has('right')) return 'bilateral';
  return sides.has('left') ? 'left' : sides.has('right') ? 'right' : null;
}

/** Unknown words that may change what is said about a place or finding. */
function relevantUnread({ nodes, heads }: Sentence): Span[] {
  if (nodes.some((node) => isItem(node, 'history'))) return [];
  const ours = heads.some(({ kind }) => kind === 'finding' || kind === 'clear');
  return nodes.flatMap((node, i) => {
    if (!isItem(node, 'unread')) return [];
    const { from, to } = pieceAt(nodes, i);
    const own = heads.filter(({ at }) => at >= from && at < to);
    const foreign = own.length > 0 && own.every(({ kind }) => kind === 'foreign' || kind === 'landmark');
    const place = nodes.slice(from, to).some(({ kind }) => kind === 'group');
    return foreign || !(ours || place) ? [] : [node.span];
  });
}

function doubtWarnings({ ambiguous, contradicts }: Doubts): Warning[] {
  const warnings: Warning[] = [];
  if (ambiguous)
    warnings.push({ code: 'NOTE_AMBIGUOUS', message: 'the note leaves open which of two places it means' });
  if (contradicts)
    warnings.push({
      code: 'NOTE_CONTRADICTS',
      message: 'the note says two things about a place or side that exclude each other',
    });
  return warnings;
}

function mendedWarning(tokens: readonly Token[]): Warning[] {
  const words = new Map<string, string[]>();
  for (const { typed, text } of tokens)
    if (typed !== undefined) words.set(typed, [...(words.get(typed) ?? []), text]);
  if (words.size === 0) return [];
  const list = [...words].map(([word, nearest]) => ({ word, nearest: nearest.join(' ') }));
  return [
    {
      code: 'NOTE_WORDS_MENDED',
      message: `read as typing errors: ${quotedWords(list)}`,
      words: listedWords(list),
    },
  ];
}

function partlyRead(text: string, spans: readonly Span[]): Warning {
  const words = spans.map(({ start, end }) => ({ word: text.slice(start, end) }));
  const what =
    words.length > 0 ? `not understood: ${quotedWords(words)}` : 'a place is named without a finding';
  return {
    code: 'NOTE_PARTLY_READ',
    message: what,
    ...(words.length > 0 ? { words: listedWords(words) } : {}),
  };
}
