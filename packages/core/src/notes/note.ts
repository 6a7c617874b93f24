/**
 * The grammar of LViT's notes (Li et al., "LViT: Language meets Vision Transformer in Medical Image
 * Segmentation", 2023):
 *
 *   Bilateral pulmonary infection, two infected areas, upper left lung and lower right lung.
 *   The nuclei density in the lower left is high.   The nuclei are sparsely distributed.
 *
 * Case, missing spaces ("lower leftlung"), slips of one letter ("rigth"), order ("left upper lobe") and
 * missing sides ("all lung") are understood. The words do not say whose left and right they mean
 * (docs/reference/notes.md).
 */
import { countAt, numberWord } from './note-count.js';
import { clausesOf, type Clause, type Word } from './note-words.js';

/** The patient's unless stated otherwise. */
export type Side = 'left' | 'right';
/** A third of a lung by height, or all of it. */
export type Zone = 'upper' | 'middle' | 'lower' | 'all';

/** A place such as "upper middle left lung". */
export interface Place {
  /** Null if the note names none ("all lung"). */
  readonly side: Side | null;
  /** In order, each once; empty for "left lung". */
  readonly zones: readonly Zone[];
}

/** On a histological image (MoNuSeg). */
export type NucleiStatement =
  | {
      readonly kind: 'distribution';
      /** `evenly`, `sparsely`, `irregularly`, ... */
      readonly manner: string;
    }
  | {
      readonly kind: 'density';
      /** `high`, `higher`, `low`, ... */
      readonly level: string;
      /** By the image's own left and right; null for "around". */
      readonly where: Place | null;
    };

export interface ParsedNote {
  readonly laterality: 'unilateral' | 'bilateral' | null;
  /** In lower case: `pulmonary infection`. */
  readonly finding: string | null;
  readonly count: number | null;
  readonly places: readonly Place[];
  readonly nuclei: readonly NucleiStatement[];
  /** All text outside the grammar, verbatim. */
  readonly remainder: readonly string[];
}

const ZONES: Readonly<Record<string, Zone>> = {
  upper: 'upper',
  middle: 'middle',
  mid: 'middle',
  lower: 'lower',
  all: 'all',
};
const ORGAN = new Set(['lung', 'lungs', 'lobe', 'lobes', 'zone', 'zones', 'field', 'fields']);
const FILLER = new Set(['in', 'of', 'on', 'the', 'at', 'side', 'sided']);
/** Clauses that end so are the finding, even without "Unilateral" or "Bilateral". */
const FINDING = new Set(['infection', 'infections', 'pneumonia']);

const NUCLEI_MANNER = /^the nuclei are (\p{L}+) distributed$/u;
const NUCLEI_AROUND = /^the nuclei density is (\p{L}+) around$/u;
const NUCLEI_DENSITY =
  /^the nuclei density in the (?=upper|middle|lower|left|right)(?:((?:upper|middle|lower)(?: (?:upper|middle|lower))*)(?: |(?= is)))?(?:(left|right) )?is (\p{L}+)$/u;

/** Never throws; text outside the grammar becomes the remainder. */
export function parseNote(text: string): ParsedNote {
  return parseClauses(text, clausesOf(text));
}

/** As `parseNote`, of a text whose clauses are known. */
export function parseClauses(text: string, sentences: readonly (readonly Clause[])[]): ParsedNote {
  const note = new NoteReader(text);
  for (const sentence of sentences) {
    const statement = parseNuclei(sentence.flatMap((clause) => clause.words));
    if (statement !== null) note.nuclei.push(statement);
    else for (const clause of sentence) note.read(clause);
    note.closePlace();
  }
  const { laterality, finding, count, places, nuclei, remainder } = note;
  return { laterality, finding, count, places, nuclei, remainder };
}

/**
 * LViT's canonical sentence for a note, without unknown parts and with the remainder verbatim. Without a
 * remainder, parsing it gives the same note.
 */
export function formatNote(note: ParsedNote): string {
  const { laterality, finding, count, places } = note;
  const parts: string[] = [];
  const head = [laterality, finding].filter((part) => part !== null).join(' ');
  if (head !== '') parts.push(head);
  if (count !== null) parts.push(`${numberWord(count)} infected area${count === 1 ? '' : 's'}`);
  if (places.length > 0) parts.push(formatPlaces(places));
  const sentences = parts.length > 0 ? [parts.join(', ')] : [];
  for (const statement of note.nuclei) sentences.push(formatNuclei(statement));
  sentences.push(...note.remainder);
  return sentences.map((sentence) => sentence.charAt(0).toUpperCase() + sentence.slice(1) + '.').join(' ');
}

class NoteReader {
  laterality: ParsedNote['laterality'] = null;
  finding: string | null = null;
  count: number | null = null;
  readonly places: Place[] = [];
  readonly nuclei: NucleiStatement[] = [];
  readonly remainder: string[] = [];
  private side: Side | 'both' | null = null;
  private zones: Zone[] = [];

  constructor(private readonly text: string) {}

  read({ words }: Clause): void {
    if (this.side !== null) this.closePlace(); // "upper, lower left lung" continues; "left, ..." does not
    let i = this.readHead(words);
    i += this.readCount(words, i);
    let unknown: Word[] = [];
    const flush = (): void => {
      while (isJoint(unknown[unknown.length - 1])) unknown.pop();
      const [first, last] = [unknown[0], unknown[unknown.length - 1]];
      if (first && last) this.remainder.push(this.text.slice(first.start, last.end));
      unknown = [];
    };
    for (; i < words.length; i++) {
      const word = words[i] as Word;
      if (ORGAN.has(word.known) && this.goesOn(words, i + 1)) {
        flush();
      } else if (this.readPlaceWord(word.known)) {
        flush();
      } else if (unknown.length > 0 || !isJoint(word)) {
        if (!isJoint(word)) this.closePlace(); // "upper spleen, left lung" is not the upper left
        unknown.push(word);
      }
    }
    flush();
  }

  /** "right lung middle", "middle lung on the right", "middle lung right". */
  private goesOn(words: readonly Word[], from: number): boolean {
    const known = (i: number): string => words[i]?.known ?? '';
    const isSide = (word: string): boolean => word === 'left' || word === 'right' || word === 'both';
    let i = from;
    if (this.side !== null && this.zones.length === 0) {
      while (zoneOf(known(i)) !== null) i++;
      return i > from && !isSide(known(i)); // "right lung middle left lung" starts another place
    }
    if (this.side !== null || this.zones.length === 0) return false;
    while (FILLER.has(known(i))) i++;
    return isSide(known(i)) && !ORGAN.has(known(i + 1)) && zoneOf(known(i + 1)) === null;
  }

  closePlace(): void {
    const { side, zones } = this;
    this.side = null;
    this.zones = [];
    if (side === 'both') this.places.push({ side: 'left', zones }, { side: 'right', zones });
    else if (side !== null || zones.length > 0) this.places.push({ side, zones });
  }

  /** Returns the number of words used. */
  private readHead(words: readonly Word[]): number {
    const first = words[0]?.known;
    const announced = this.laterality === null && (first === 'unilateral' || first === 'bilateral');
    const start = announced ? 1 : 0;
    if (announced) this.laterality = first;
    let end = start;
    while (end < words.length && !this.endsFinding(words, end)) end++;
    const [from, to] = [words[start], words[end - 1]];
    if (this.finding !== null || end === start || !from || !to) return start;
    if (!announced && !FINDING.has(to.known)) return start;
    const phrase = words.slice(start, end);
    const slipped = phrase.some(
      ({ known, start: a, end: z }) => known !== this.text.slice(a, z).toLowerCase(),
    );
    this.finding = slipped
      ? phrase.map(({ known }) => known).join(' ')
      : this.text.slice(from.start, to.end).toLowerCase().replace(/\s+/gu, ' ');
    return end;
  }

  private endsFinding(words: readonly Word[], i: number): boolean {
    const word = (words[i] as Word).known;
    return FILLER.has(word) || isPlace(word) || countAt(words, i) !== null;
  }

  private readCount(words: readonly Word[], at: number): number {
    const found = this.count === null ? countAt(words, at) : null;
    if (found === null) return 0;
    this.count = found.count;
    return found.words;
  }

  private readPlaceWord(word: string): boolean {
    const zone = zoneOf(word);
    if (word === 'left' || word === 'right' || word === 'both') {
      if (this.side !== null) this.closePlace();
      this.side = word;
    } else if (zone !== null) {
      if (!this.zones.includes(zone)) this.zones.push(zone);
    } else if (ORGAN.has(word) && (this.side !== null || this.zones.length > 0)) {
      this.closePlace();
    } else if (word === 'and' && this.side !== null) {
      this.closePlace(); // "lower left and middle right lung"
    } else {
      return false;
    }
    return true;
  }
}

function isJoint(word: Word | undefined): boolean {
  return word !== undefined && (FILLER.has(word.known) || word.known === 'and');
}

function isPlace(word: string): boolean {
  return word === 'left' || word === 'right' || word === 'both' || zoneOf(word) !== null;
}

function zoneOf(word: string): Zone | null {
  return Object.hasOwn(ZONES, word) ? (ZONES[word] as Zone) : null;
}

function parseNuclei(words: readonly Word[]): NucleiStatement | null {
  const sentence = words.map(({ known }) => known).join(' ');
  const manner = NUCLEI_MANNER.exec(sentence)?.[1];
  if (manner !== undefined) return { kind: 'distribution', manner };
  const around = NUCLEI_AROUND.exec(sentence)?.[1];
  if (around !== undefined) return { kind: 'density', level: around, where: null };
  const density = NUCLEI_DENSITY.exec(sentence);
  if (density === null) return null;
  const [, zones, side, level] = density;
  const where: Place = {
    side: side === 'left' || side === 'right' ? side : null,
    zones: [...new Set((zones ?? '').split(' ').map(zoneOf))].filter((zone) => zone !== null),
  };
  return { kind: 'density', level: level as string, where };
}

function formatNuclei(statement: NucleiStatement): string {
  if (statement.kind === 'distribution') return `the nuclei are ${statement.manner} distributed`;
  const { level, where } = statement;
  if (where === null) return `the nuclei density is ${level} around`;
  return `the nuclei density in the ${[...where.zones, ...(where.side ? [where.side] : [])].join(' ')} is ${level}`;
}

/** "a", "a and b", "a, b and c". */
function formatPlaces(places: readonly Place[]): string {
  const phrases = places.map(({ side, zones }) => [...zones, ...(side ? [side] : []), 'lung'].join(' '));
  const last = phrases.pop() as string;
  return phrases.length === 0 ? last : `${phrases.join(', ')} and ${last}`;
}
