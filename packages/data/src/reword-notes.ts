/**
 * Training that hears other words (`augment.notes`): a note is replaced by a rewording with the templates for
 * training. Not in the paper. Each note has a few rewordings, chosen once by seed and note, so that encoders
 * keep their features and the words encoder's vocabulary holds all their words; but for slips, where it reads
 * them as the words meant. Which one a case gets follows from seed, epoch and case.
 */
import { canReword, mirrorNote, Random, type Rewording, REWORDINGS, rewordNote } from '@reclmis/core';
import { AUGMENT_DEFAULTS, type AugmentOptions, noteKindsOf } from './augment-options.js';

/** Their words are all from tables, so none is a patient's. */
const TABLED: readonly Rewording[] = ['paraphrased', 'abbreviated', 'verbose', 'translated'];

interface Variant {
  readonly kind: Rewording;
  readonly text: string;
}

export class NoteRewordings {
  private readonly kept = new Map<string, readonly Variant[]>();
  private readonly kinds: readonly Rewording[];
  private readonly mirrors: boolean;

  private constructor(
    private readonly seed: number,
    private readonly options: AugmentOptions,
  ) {
    this.kinds = noteKindsOf(options.noteKinds) ?? REWORDINGS;
    this.mirrors = options.mode === 'consistent' && options.flipProbability > 0;
  }

  /** Null if notes stay as they are. */
  static of(options: Partial<AugmentOptions> | null, seed: number): NoteRewordings | null {
    const all = { ...AUGMENT_DEFAULTS, ...options };
    return options === null || all.notes === 0 ? null : new NoteRewordings(seed, all);
  }

  /** What a case is told in an epoch, given its note after flips. */
  noteFor(note: string, epoch: number, id: string): string {
    const random = Random.from('augment notes', this.seed, epoch, id);
    if (!random.bool(this.options.notes)) return note;
    const variants = this.variantsOf(note);
    return variants.length === 0 ? note : random.pick(variants);
  }

  /** At most `noteVariants`, kinds in turn; none for notes outside the grammar. */
  variantsOf(note: string, without?: Rewording): readonly string[] {
    return this.found(note).flatMap(({ kind, text }) => (kind === without ? [] : [text]));
  }

  /** All texts that the notes can become, but for those of one kind. */
  textsOf(notes: Iterable<string>, without?: Rewording): string[] {
    return this.withMirrored(notes).flatMap((note) => this.variantsOf(note, without));
  }

  /** Those of `textsOf` that a run may remember words of. */
  tabledTextsOf(notes: Iterable<string>): string[] {
    return this.withMirrored(notes)
      .flatMap((note) => this.found(note))
      .flatMap(({ kind, text }) => (TABLED.includes(kind) ? [text] : []));
  }

  /** For the user, before training. */
  describe(notes: Iterable<string>): string {
    const distinct = new Set(notes);
    const texts = new Set(this.textsOf(distinct));
    const outside = [...distinct].filter((note) => !canReword(note)).length;
    const [share, most] = [`${Math.round(100 * this.options.notes)} %`, this.options.noteVariants];
    return (
      `Training puts notes into other words ${share} of the time: ${distinct.size} different notes have ${texts.size} rewordings` +
      `${this.mirrors ? ', mirrored ones included' : ''} (at most ${most} of each)` +
      (outside > 0 ? `; ${outside} are outside LViT’s grammar and stay as written.` : '.')
    );
  }

  private withMirrored(notes: Iterable<string>): string[] {
    const distinct = [...new Set(notes)];
    return this.mirrors ? [...new Set([...distinct, ...distinct.map(mirrorNote)])] : distinct;
  }

  private found(note: string): readonly Variant[] {
    let variants = this.kept.get(note);
    if (variants === undefined) this.kept.set(note, (variants = this.variants(note)));
    return variants;
  }

  private variants(note: string): Variant[] {
    const { kinds } = this;
    const random = Random.from('rewordings', this.seed, note);
    const first = random.int(kinds.length);
    const byText = new Map<string, Variant>();
    for (let i = 0; i < this.options.noteVariants; i++) {
      const kind = kinds[(first + i) % kinds.length]!;
      const text = rewordNote(note, { kind, set: 'train' }, random);
      if (text !== null && !byText.has(text)) byText.set(text, { kind, text });
    }
    return [...byText.values()];
  }
}
