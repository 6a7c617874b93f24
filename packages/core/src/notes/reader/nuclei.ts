/**
 * The vocabulary of MoNuSeg's notes: how dense the nuclei are, and in which part of the image. The finding is
 * the density or the manner of distribution; left and right are the image's.
 */
import { builtIn } from './vocabulary.js';
import type { Vocabulary } from './vocabulary-shape.js';
import { EN_NUCLEI } from './words/en-nuclei.js';

// MoNuSeg's notes say "high" of a place and "higher" of the whole; "low" of a place is ours.
const HIGH = 'The nuclei density in the {place} is high.';
const LOW = 'The nuclei density in the {place} is low.';
const EVERYWHERE = 'The nuclei density is higher around.';
const SPARSE = 'The nuclei are sparsely distributed.';

let parsed: Vocabulary | undefined;

/** Made when first asked for: most processes read no free text. */
export const nuclei = (): Vocabulary =>
  (parsed ??= builtIn({
    name: 'nuclei',
    canonical: {
      finding: null,
      paired: false,
      sentences: {
        findings: {
          'high density': [HIGH, EVERYWHERE],
          'higher density': [HIGH, EVERYWHERE],
          'dense distribution': [HIGH, EVERYWHERE],
          'low density': [LOW, SPARSE],
          'lower density': [LOW, SPARSE],
          'sparse distribution': [LOW, SPARSE],
          'even distribution': 'The nuclei are evenly distributed.',
          'uneven distribution': 'The nuclei are irregularly distributed.',
        },
        words: { all: '' },
      },
    },
    languages: { en: EN_NUCLEI },
  }));
