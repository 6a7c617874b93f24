/**
 * Reads free text about findings and their places, in the words of a vocabulary. Nothing is guessed: what is
 * ambiguous or contradictory gives a warning and no place, and an unknown word next to a place makes the note
 * incomplete.
 */
import { placesAlone } from './alone.js';
import { chest } from './chest.js';
import { unclaimed, unplaced } from './claims.js';
import type { Doubts, Statement } from './contradictions.js';
import { withCorrections } from './corrections.js';
import { Discourse } from './discourse.js';
import { doubtWarnings, mendedWarning, partlyRead, relevantUnread } from './doubts.js';
import type { FreeNote, Span } from './free-note.js';
import { sentencesOf } from './items.js';
import { languageOf, lexiconsOf } from './lexicon.js';
import { mended } from './mend.js';
import { isItem } from './nodes.js';
import type { Placed } from './place-group.js';
import { statementsOf, widest } from './statements.js';
import { amountOf, findingsOf, lateralityOf, plainPlaces, statementsIn, uncertaintyOf } from './summary.js';
import { tokensOf } from './tokens.js';
import type { Vocabulary } from './vocabulary-shape.js';

/** Reads a note in any of the vocabulary's languages. Never throws. */
export function readNote(text: string, vocabulary: Vocabulary = chest()): FreeNote {
  const typed = tokensOf(text);
  const lexicon = languageOf(typed, lexiconsOf(vocabulary), mended);
  const tokens = mended(typed, lexicon);
  const { paired, anywhere } = vocabulary.canonical;
  const { places: order, topics } = lexicon.language;
  const discourse = new Discourse({ paired, anywhere, after: order === 'after', topics });
  for (const items of withCorrections(sentencesOf(text, tokens, lexicon))) discourse.add(items);
  const { sentences } = discourse;

  const doubts: Doubts = { ambiguous: false, contradicts: false };
  const statements = statementsOf(sentences, vocabulary.canonical, doubts);
  const present = statements.filter((statement) => statement.present);
  const alone = placesAlone(discourse, statements, paired, doubts);
  const said = alone === null ? present : [...present, alone];
  const doubtful = doubts.ambiguous || doubts.contradicts;
  const places = doubtful ? [] : plainPlaces(placesOf(said));
  const unread = sentences.flatMap(({ nodes }) =>
    nodes.flatMap((node) => (isItem(node, 'unread') ? [node.span] : [])),
  );
  const nothing = alone === null && sentences.every(({ heads }) => heads.length === 0);
  const open = doubtful ? [] : [...unclaimed(sentences, alone), ...unplaced(statements)];
  const missed = notUnderstood(discourse, vocabulary, nothing, unread) ?? (open.length > 0 ? open : null);
  return {
    language: lexicon.code,
    places,
    absent: plainPlaces(widest(placesOf(statements.filter((statement) => !statement.present)))),
    findings: findingsOf(present),
    statements: statementsIn(present),
    ...amountOf(said),
    uncertain: uncertaintyOf(said),
    laterality: lateralityOf(places),
    unread,
    complete: missed === null && !doubtful,
    warnings: [
      ...doubtWarnings(doubts),
      ...mendedWarning(tokens),
      ...(missed === null ? [] : [partlyRead(text, missed)]),
    ],
  };
}

/** What makes a note incomplete: unknown words, or none for a place without a finding; null if nothing does. */
function notUnderstood(
  { sentences, loose }: Discourse,
  { canonical }: Vocabulary,
  nothing: boolean,
  unread: Span[],
): Span[] | null {
  const relevant = sentences.flatMap((sentence) => relevantUnread(sentence, canonical));
  if (relevant.length > 0) return relevant;
  if (loose > 0) return [];
  return nothing && unread.length > 0 ? unread : null;
}

const placesOf = (statements: readonly Statement[]): Placed[] => statements.flatMap(({ places }) => places);
