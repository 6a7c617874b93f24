/** The vocabulary of chest radiographs: lungs, lobes and zones, in five languages. */
import { builtIn } from './vocabulary.js';
import type { Vocabulary } from './vocabulary-shape.js';
import { DE } from './words/de.js';
import { EN } from './words/en.js';
import { ES } from './words/es.js';
import { FR } from './words/fr.js';
import { ZH } from './words/zh.js';

let parsed: Vocabulary | undefined;

/** Made when first asked for: most processes read no free text. */
export const chest = (): Vocabulary =>
  (parsed ??= builtIn({
    name: 'chest',
    canonical: {
      finding: 'pulmonary infection',
      general: ['opacity', 'change'],
      anywhere: ['change', 'lesion', 'nodule', 'focus', 'collapse', 'contusion', 'metastasis', 'tumour'],
      lesser: ['atelectasis', 'collapse', 'contusion', 'metastasis', 'tumour'],
      exhaustive: true,
      sentences: 'lvit',
    },
    languages: { en: EN, de: DE, es: ES, fr: FR, zh: ZH },
  }));
