/**
 * The vocabulary of MoNuSeg's notes: how dense the nuclei are, and in which part of the image. The finding is
 * the density or the manner of distribution; left and right are the image's.
 */
import { parseVocabulary, type Vocabulary } from './vocabulary.js';

let parsed: Vocabulary | undefined;

/** Checked when first asked for: most processes read no free text. */
export const nuclei = (): Vocabulary =>
  (parsed ??= parseVocabulary({
    name: 'nuclei',
    canonical: { finding: null, paired: false },
    languages: {
      en: {
        sides: {
          left: 'left, left hand, leftmost',
          right: 'right, right hand, rightmost',
          both: 'both sides, either side',
        },
        zones: {
          upper: 'upper, top, uppermost',
          middle: 'middle, central, centre, center',
          lower: 'lower, bottom, lowermost',
        },
        whole: 'around, everywhere, throughout, whole, entire, all over',
        organs: {
          one: 'part, corner, side, region, area, half, third, quadrant, edge',
          many: 'parts, corners, regions, areas, edges, quadrants',
          all: 'image, slide, section, tissue, field, picture',
        },
        findings: {
          'high density':
            'high, dense, crowded, packed, densely packed, numerous, many, plentiful, clustered',
          'higher density': 'higher, denser, highest, densest, more numerous, increased, more crowded',
          'low density': 'low, few, scarce, thin',
          'lower density': 'less dense, less, lowest, fewer, decreased, reduced, less numerous',
          'even distribution':
            'even, evenly, regular, regularly, uniform, uniformly, homogeneous, homogeneously',
          'uneven distribution':
            'uneven, unevenly, irregular, irregularly, heterogeneous, heterogeneously, inhomogeneous',
          'sparse distribution': 'sparse, sparsely, scattered, scattering, thinly',
          'dense distribution': 'densely',
        },
        negation: {
          before: 'no, not, without, never, none, free of, hardly any',
          after: 'absent, missing, not seen',
          clear: 'empty, clear, blank',
        },
        uncertain: 'possibly, probably, perhaps, maybe, may be, might be, seems, appears to be, ?',
        ends: {
          but: 'but, however, although, while, whereas',
          begin: 'there are, there is',
          except: 'except, apart from',
        },
        joins: { and: 'and, &, as well as, also', or: 'or, nor', range: 'to', namely: 'namely' },
        links: 'in, at, on, of, within, towards, near, along, over, across',
        with: 'with',
        residual: 'otherwise, elsewhere, remaining, rest, remainder',
        filler:
          'the, a, an, is, are, was, were, it, they, that, this, nucleus, nuclei, cell, cells, density, densities, distribution, distributed, arranged, spread, seen, present, very, quite, rather, more, most, mostly, somewhat, slightly, compared, than',
      },
    },
  }));
