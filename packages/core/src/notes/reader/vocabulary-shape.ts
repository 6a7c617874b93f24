/**
 * What a reader of free notes knows of a domain: data only, the same whether it is written here or in a YAML
 * file. The engine knows sides, heights, negation and lists; lungs and nuclei are words of a vocabulary.
 *
 * Phrases are a list, or one text with commas between them. `recht(e/er/es)` stands for three words, and
 * `(left/right) base` for two phrases. Case, accents and hyphens do not matter.
 */
import { z } from 'zod';
import { LVIT_SENTENCES, sentencesSchema } from './sentences.js';

const MOST_PHRASES = 5000;
/** Longer names would fill the tables in which they are shown. */
const LONGEST_NAME = 64;

const phrases = () =>
  z
    .union([z.string(), z.array(z.string().min(1)).max(MOST_PHRASES)], {
      error: 'expected words with commas between them, or a list of words',
    })
    .default([]);
const name = () => z.string().min(1).max(LONGEST_NAME);
const byName = () => z.record(name(), phrases()).default({});
const group = <T extends Record<string, ReturnType<typeof phrases>>>(keys: T) =>
  z.strictObject(keys).prefault({} as never);

const languageSchema = () =>
  z.strictObject({
    /** Where a place usually is: "left opacity" before the finding, "opacité gauche" after it. */
    places: z.enum(['before', 'after']).default('before'),
    /** Whether a place at the start of a sentence holds for all of it, as in Chinese. */
    topics: z.boolean().default(false),
    /** Whether words are joined as a rule ("Unterlappeninfiltrat"), so that it is no typing error. */
    compounds: z.boolean().default(false),
    sides: group({
      left: phrases(),
      right: phrases(),
      both: phrases(),
      /** "unilateral": one side, without saying which. */
      one: phrases(),
      /** "contralateral": the other side than the one named before. */
      opposite: phrases(),
      /** "ipsilateral": the side named before. */
      same: phrases(),
    }),
    zones: group({ upper: phrases(), middle: phrases(), lower: phrases() }),
    /** Words that mean a place by themselves, by place: `upper right`, `lower left + lower right`. */
    named: byName(),
    /** "whole", "throughout": all heights. */
    whole: phrases(),
    organs: group({
      one: phrases(),
      /** Plurals: without a side they mean both. */
      many: phrases(),
      /** Plurals of the organ itself ("lungs"). */
      all: phrases(),
    }),
    /** By canonical name. */
    findings: byName(),
    /** Number words by number: `2`. */
    counts: byName(),
    /** "a": one, but only next to a number ("a patch on the left, two on the right"). */
    articles: phrases(),
    /** "another", "the one": with a place of its own, a finding like the one named before. */
    another: phrases(),
    /** Words after which, or before which, a number does not count findings: "mm", "day". */
    units: phrases(),
    /** Between a finding and its number: "opacities x 2". */
    times: phrases(),
    extent: group({ focal: phrases(), multifocal: phrases(), diffuse: phrases() }),
    negation: group({
      /** "no", "without". */
      before: phrases(),
      /** "not seen", "has resolved". */
      after: phrases(),
      /** "clear": nothing is there. */
      clear: phrases(),
      /** "no change", "not only": no negation, in spite of the word. */
      pseudo: phrases(),
    }),
    uncertain: phrases(),
    /** "side unclear", "cannot tell which side": the note leaves its places open. */
    undecided: phrases(),
    /** "I mean": the place before it is replaced by the one after it. */
    corrections: phrases(),
    /** "Impression": what follows sums up what was found, so places that were not named before contradict it. */
    conclusions: phrases(),
    /** "according to": two sources with different places leave open which is right. */
    sources: phrases(),
    /** "underlying": a finding without a place of its own is where what was named before it is. */
    underlying: phrases(),
    /** Between a finding and what it is: "represents", "may be". */
    means: phrases(),
    /** At the start of a sentence: the finding before ("it", "this"). */
    pronouns: phrases(),
    /** Punctuation that is dictated as a word. */
    spoken: group({ comma: phrases(), colon: phrases(), stop: phrases() }),
    ends: group({
      /** "but": the clause ends, and a negation with it. */
      but: phrases(),
      /** "there is": a negation ends, the clause goes on. */
      begin: phrases(),
      /** "except": what was said to be clear is not all of it. */
      except: phrases(),
    }),
    /** Findings elsewhere, whose places are not ours. */
    foreign: phrases(),
    /** Foreign findings of the organ itself ("scarring"): what is "with" them is where they are. */
    nearby: phrases(),
    /** Foreign findings that may be what a finding is ("opacity, possibly atelectasis"). */
    natures: phrases(),
    /** Neighbours by which a place is described ("heart border"). */
    landmarks: phrases(),
    joins: group({
      and: phrases(),
      or: phrases(),
      /** Which of two has more: "right more than left". They join places too. */
      more: phrases(),
      /** "mid to lower". */
      range: phrases(),
      /** "namely": the same place in other words. */
      namely: phrases(),
    }),
    /** Words before a place: "in", "at". */
    links: phrases(),
    /** "only": no other place is meant than the one next to it. */
    only: phrases(),
    /** "located in": where a finding is that has been named. */
    located: phrases(),
    /** Those of them that say what something is part of: "a lesion of the rib". */
    inside: phrases(),
    /** "with": starts another finding. */
    with: phrases(),
    /** "otherwise": no absence is concluded. */
    residual: phrases(),
    /** Earlier examinations and operations: nothing in the clause is a finding of now. */
    history: phrases(),
    /** "now": a place after it is not at the same time as one before it. */
    now: phrases(),
    /** "possibly", as the start of a sentence about the finding before ("Possibly atelectasis."). */
    perhaps: phrases(),
    /** "to exclude": what follows without a place is what an examination is for, not what was found. */
    purpose: phrases(),
    /** "is", "has": an unknown word after them may deny what was said before them. */
    auxiliaries: phrases(),
    /** "Mr": a name follows. */
    titles: phrases(),
    /** Words that change nothing. */
    filler: phrases(),
    /** Ends of words for findings elsewhere and operations ("-ectomy"). */
    foreignEnds: phrases(),
    /** Ends of words that change nothing, whatever the word ("-ly"). */
    harmless: phrases(),
  });

/** Made when first asked for: most processes check no vocabulary. */
export const vocabularyShape = () =>
  z.strictObject({
    name: name(),
    /** How findings and places are written for a model. */
    canonical: z.strictObject({
      /** What all findings are called together: `pulmonary infection`; null: each by its name. */
      finding: name().nullable().default(null),
      /** Whether a place without height is on both sides if it is in the plural. */
      paired: z.boolean().default(true),
      /** Names of findings that other organs have too: "a rib lesion" is not ours. */
      anywhere: z.array(z.string()).default([]),
      /** Names of findings whose absence alone says nothing about the rest: "no collapse". */
      lesser: z.array(z.string()).default([]),
      /** Whether the lists of sides, heights, negation and number are so full that an unknown word describes. */
      exhaustive: z.boolean().default(false),
      /** Names of findings that mean any: "no opacity" contradicts a consolidation at the same place. */
      general: z.array(z.string()).default([]),
      /** The sentences of the model's training notes; null: notes are only read. */
      sentences: z
        .union([z.literal(LVIT_SENTENCES), sentencesSchema()])
        .nullable()
        .default(null),
    }),
    /** By language code; the first is taken when two fit equally well. */
    languages: z
      .record(z.string().regex(/^[a-z]{2,3}$/, 'expected language codes such as en'), languageSchema())
      .refine((all) => Object.keys(all).length > 0, 'expected at least one language'),
  });

/** As written by a user: lists may be missing. */
export type VocabularyInput = z.input<ReturnType<typeof vocabularyShape>>;
/** A language as written by a user. */
export type LanguageInput = VocabularyInput['languages'][string];
/** Checked, with missing lists empty. */
export type Vocabulary = z.output<ReturnType<typeof vocabularyShape>>;
/** A language of a vocabulary. */
export type LanguageWords = Vocabulary['languages'][string];
