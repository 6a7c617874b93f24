/** A language's phrases, compiled for longest match. */
import type { Zone } from '../note.js';
import { formsOf, placesOf, type PlainPlace } from './phrases.js';
import { tokensOf, type Token } from './tokens.js';
import type { LanguageWords, Vocabulary } from './vocabulary-shape.js';

export type SideWord = 'left' | 'right' | 'both' | 'one' | 'opposite' | 'same';
export type Extent = 'focal' | 'multifocal' | 'diffuse';

/** What a phrase means. */
export type Mark =
  | { readonly kind: 'side'; readonly value: SideWord }
  | { readonly kind: 'zone'; readonly value: Zone }
  | { readonly kind: 'named'; readonly value: readonly PlainPlace[] }
  | { readonly kind: 'organ'; readonly value: 'one' | 'many' | 'all' }
  | { readonly kind: 'finding'; readonly value: string }
  | { readonly kind: 'count'; readonly value: number }
  | { readonly kind: 'extent'; readonly value: Extent }
  | { readonly kind: PlainKind };

export type PlainKind =
  | 'whole'
  | 'unit'
  | 'times'
  | 'not'
  | 'gone'
  | 'clear'
  | 'pseudo'
  | 'maybe'
  | 'undecided'
  | 'underlying'
  | 'source'
  | 'but'
  | 'begin'
  | 'except'
  | 'foreign'
  | 'landmark'
  | 'nature'
  | 'and'
  | 'more'
  | 'or'
  | 'range'
  | 'namely'
  | 'link'
  | 'inside'
  | 'only'
  | 'located'
  | 'with'
  | 'residual'
  | 'history'
  | 'means'
  | 'pronoun'
  | 'now'
  | 'perhaps'
  | 'comma'
  | 'colon'
  | 'stop'
  | 'auxiliary'
  | 'purpose'
  | 'article'
  | 'another'
  | 'correction'
  | 'conclusion'
  | 'title'
  | 'nearby'
  | 'filler';

export interface Match {
  readonly marks: readonly Mark[];
  /** In tokens. */
  readonly length: number;
}

interface Branch {
  next: Map<string, Branch> | null;
  marks: Mark[] | null;
}

/** Few languages share these words, and a slip in another must not hide them. */
const DECIDING: ReadonlySet<Mark['kind']> = new Set(['side', 'zone', 'named', 'not', 'gone']);
const DECIDING_WEIGHT = 3;
/** Share of known letters below which slips and compounds tell the language. */
const LEAST_KNOWN = 0.5;

/** Words that say nothing of a finding or place themselves. */
const EMPTY: ReadonlySet<PlainKind> = new Set(['article', 'another', 'correction', 'conclusion', 'title']);

const newBranch = (): Branch => ({ next: null, marks: null });

export class Lexicon {
  private readonly root = newBranch();
  /** Every word of every phrase. */
  readonly words = new Set<string>();
  /** Words that must not come from a word that was taken apart. */
  readonly negations = new Set<string>();
  readonly harmless: readonly string[];
  readonly foreignEnds: readonly string[];

  constructor(
    readonly code: string,
    readonly language: LanguageWords,
  ) {
    const entries = entriesOf(language).map(([mark, list]) => [mark, formsOf(list)] as const);
    for (const [mark, forms] of entries) for (const phrase of forms) this.add(phrase, mark);
    for (const [{ kind }, forms] of entries)
      if (kind === 'extent' || kind === 'count') for (const phrase of forms) this.addInner(phrase);
      else if (kind === 'means') for (const phrase of forms) this.addDoubt(phrase);
    this.harmless = formsOf(language.harmless);
    this.foreignEnds = formsOf(language.foreignEnds);
  }

  /** The longest phrase from a token on. */
  match(tokens: readonly Token[], at: number): Match | null {
    let branch: Branch | undefined = this.root;
    let found: Match | null = null;
    for (let i = at; i < tokens.length; i++) {
      branch = branch.next?.get(tokens[i]!.text);
      if (branch === undefined) break;
      if (branch.marks !== null) found = { marks: branch.marks, length: i - at + 1 };
    }
    return found;
  }

  /** Letters in known phrases, and the same with those of words for sides, heights and negation counted more. */
  coverage(tokens: readonly Token[]): { readonly letters: number; readonly weight: number } {
    let letters = 0;
    let weight = 0;
    for (let i = 0; i < tokens.length;) {
      const found = this.match(tokens, i);
      const end = i + (found?.length ?? 1);
      const decides = found?.marks.some((mark) => DECIDING.has(mark.kind)) ?? false;
      for (; i < end; i++) {
        const { kind, start, end: to } = tokens[i]!;
        if (found === null || kind !== 'word') continue;
        letters += to - start;
        weight += (decides ? DECIDING_WEIGHT : 1) * (to - start);
      }
    }
    return { letters, weight };
  }

  /** "nodular focus" is an extent and, by its last word, a finding; "foco único" is one. */
  private addInner(phrase: string): void {
    const tokens = tokensOf(phrase);
    const [first, last] = [this.match(tokens.slice(0, 1), 0), this.match(tokens, tokens.length - 1)];
    const finding = first?.marks.find(({ kind }) => kind === 'finding');
    const count = last?.marks.find(({ kind }) => kind === 'count');
    if (tokens.length === 2 && finding && count) this.add(phrase, count);
    for (let i = 1; i < tokens.length; i++) {
      const inner = this.match(tokens, i);
      const named = inner?.marks.find(({ kind }) => kind === 'finding');
      if (named && inner?.length === tokens.length - i) this.add(phrase, named);
    }
  }

  /** "may well be" doubts as "may" does; "represents" says nothing more. */
  private addDoubt(phrase: string): void {
    const tokens = tokensOf(phrase);
    if (this.match(tokens, 0)?.marks.some(({ kind }) => kind !== 'means')) return;
    const doubts = tokens.some(
      (_, i) =>
        this.match(i === 0 ? tokens.slice(0, -1) : tokens, i)?.marks.some(({ kind }) => kind === 'maybe') ??
        false,
    );
    this.add(phrase, { kind: doubts ? 'maybe' : 'filler' });
  }

  private add(phrase: string, mark: Mark): void {
    let branch = this.root;
    const tokens = phraseTokens(phrase);
    const negates = mark.kind === 'not' || mark.kind === 'gone' || mark.kind === 'clear';
    if (negates && tokens.length === 1) this.negations.add(tokens[0]!.text);
    for (const { text, kind } of tokens) {
      if (kind === 'word') this.words.add(text);
      branch.next ??= new Map<string, Branch>();
      let next = branch.next.get(text);
      if (next === undefined) branch.next.set(text, (next = newBranch()));
      branch = next;
    }
    if (branch === this.root) return;
    branch.marks ??= [];
    if (!branch.marks.some(({ kind }) => kind === mark.kind)) branch.marks.push(mark);
  }
}

const PLAIN = /^[a-z]+(?: [a-z]+)*$/;

/** As `tokensOf`; most phrases are of plain letters, which need no search. */
function phraseTokens(phrase: string): readonly Pick<Token, 'text' | 'kind'>[] {
  if (!PLAIN.test(phrase)) return tokensOf(phrase);
  return phrase.split(' ').map((text) => ({ text, kind: 'word' }));
}

function entriesOf(language: LanguageWords): [Mark, string | readonly string[]][] {
  const entries: [Mark, string | readonly string[]][] = [];
  const add = (mark: Mark, list: string | readonly string[]): void => void entries.push([mark, list]);
  const { sides, zones, organs, extent, negation, ends, joins } = language;
  for (const value of ['left', 'right', 'both', 'one', 'opposite', 'same'] as const)
    add({ kind: 'side', value }, sides[value]);
  for (const value of ['upper', 'middle', 'lower'] as const) add({ kind: 'zone', value }, zones[value]);
  for (const [name, list] of Object.entries(language.named))
    add({ kind: 'named', value: placesOf(name) ?? [] }, list);
  for (const value of ['one', 'many', 'all'] as const) add({ kind: 'organ', value }, organs[value]);
  for (const [value, list] of Object.entries(language.findings)) add({ kind: 'finding', value }, list);
  for (const [value, list] of Object.entries(language.counts))
    add({ kind: 'count', value: Number(value) }, list);
  for (const value of ['focal', 'multifocal', 'diffuse'] as const)
    add({ kind: 'extent', value }, extent[value]);
  const plain: [PlainKind, string | readonly string[]][] = [
    ['whole', language.whole],
    ['unit', language.units],
    ['times', language.times],
    ['not', negation.before],
    ['gone', negation.after],
    ['clear', negation.clear],
    ['pseudo', negation.pseudo],
    ['maybe', language.uncertain],
    ['undecided', language.undecided],
    ['underlying', language.underlying],
    ['filler', language.underlying],
    ['source', language.sources],
    ['filler', language.sources],
    ['but', ends.but],
    ['begin', ends.begin],
    ['except', ends.except],
    ['foreign', language.foreign],
    ['landmark', language.landmarks],
    ['nature', language.natures],
    ['and', joins.and],
    ['and', joins.more],
    ['more', joins.more],
    ['or', joins.or],
    ['range', joins.range],
    ['namely', joins.namely],
    ['link', language.links],
    ['inside', language.inside],
    ['only', language.only],
    ['located', language.located],
    ['with', language.with],
    ['residual', language.residual],
    ['history', language.history],
    ['means', language.means],
    ['pronoun', language.pronouns],
    ['now', language.now],
    ['perhaps', language.perhaps],
    ['comma', language.spoken.comma],
    ['colon', language.spoken.colon],
    ['stop', language.spoken.stop],
    ['purpose', language.purpose],
    ['auxiliary', language.auxiliaries],
    ['article', language.articles],
    ['another', language.another],
    ['correction', language.corrections],
    ['conclusion', language.conclusions],
    ['title', language.titles],
    ['nearby', language.nearby],
    ['filler', language.filler],
  ];
  for (const [kind, list] of plain) {
    add({ kind }, list);
    if (EMPTY.has(kind)) add({ kind: 'filler' }, list);
  }
  return entries;
}

const COMPILED = new WeakMap<LanguageWords, Lexicon>();

/** A language of a vocabulary, compiled when first needed. */
function compiled(code: string, language: LanguageWords): Lexicon {
  let lexicon = COMPILED.get(language);
  if (lexicon === undefined) COMPILED.set(language, (lexicon = new Lexicon(code, language)));
  return lexicon;
}

/** All languages of a vocabulary. */
export function* lexiconsOf({ languages }: Pick<Vocabulary, 'languages'>): Generator<Lexicon> {
  for (const [code, language] of Object.entries(languages)) yield compiled(code, language);
}

/**
 * The language whose phrases cover most of a text, with slips and compounds mended where they cover little; the
 * first of equals.
 */
export function languageOf(
  tokens: readonly Token[],
  lexicons: Iterable<Lexicon>,
  mend: (tokens: readonly Token[], lexicon: Lexicon) => readonly Token[],
): Lexicon {
  const all = lettersIn(tokens);
  const seen: Lexicon[] = [];
  let best: Lexicon | undefined;
  let most = -1;
  let known = 0;
  for (const lexicon of lexicons) {
    seen.push(lexicon);
    const { letters, weight } = lexicon.coverage(tokens);
    if (weight > most) [best, most] = [lexicon, weight];
    known = Math.max(known, letters);
    if (letters === all) return lexicon; // no other can cover more, so it need not be compiled
  }
  if (known >= LEAST_KNOWN * all) return best!;
  const weighed = seen.map((lexicon) => [lexicon, lexicon.coverage(mend(tokens, lexicon)).weight] as const);
  return weighed.reduce((a, b) => (b[1] > a[1] ? b : a))[0];
}

function lettersIn(tokens: readonly Token[]): number {
  return tokens.reduce((sum, { kind, start, end }) => sum + (kind === 'word' ? end - start : 0), 0);
}
