/** English about how nuclei are distributed in a picture of tissue, as pathologists and annotators write it. */
import type { LanguageInput } from '../vocabulary-shape.js';

export const EN_NUCLEI: LanguageInput = {
  sides: {
    left: 'left, left hand, left hand side, leftmost, leftward, left sided, l, lhs',
    right: 'right, right hand, right hand side, rightmost, rightward, right sided, r, rhs',
    both: 'both, both sides, either side, left and right',
  },
  zones: {
    upper: 'upper, top, uppermost, topmost, superior, above',
    middle: 'middle, central, centre, center, centrally, mid, core',
    lower: 'lower, bottom, lowermost, bottommost, inferior, below',
  },
  whole: [
    'everywhere, throughout, whole, entire, all over, all across, overall, over all, all around, around, everywhere else',
    '(around/along/at/near) (the/all) (edges/borders/margins/periphery), peripherally, in the periphery',
  ],
  organs: {
    one: 'part, corner, side, region, area, half, third, quadrant, edge, border, rim, margin, end, portion, zone, sector, boundary',
    many: 'parts, corners, regions, areas, edges, quadrants, halves, thirds, borders, margins, portions, zones, ends',
    all: 'image, slide, section, tissue, field, field of view, picture, specimen, sample, tile, patch, view, frame',
  },
  findings: {
    'high density': [
      'high, dense, densest, crowded, crowd, crowds, crowding, overcrowded, packed, (densely/tightly/closely/heavily) (packed/crowded/clustered/populated), tightly, close together, close to each other, closely spaced',
      'numerous, many, most numerous, lots, lots of, a lot of, plenty, plenty of, plentiful, abundant, abundance of, rich, rich in, richest, full of, teeming with, crammed with, filled with, covered with',
      '(high/large/great/considerable) (number/numbers/count/amount) (of/), clustered, cluster, clusters, clustering, group, groups, grouped, aggregate, aggregates, aggregated, aggregation, accumulate, accumulated, accumulation, gather, gathered, concentrate, concentrated, congregate',
      'hypercellular, hypercellularity, cellular, (very/highly/richly/most) cellular, heap up, heaped up, heaped, dominated by, dominate, dominates, sheet of, sheets of, band of, dense band, fill, fills, filling, hot spot, hotspot, thickly, heavily, maximal, maximum, peak, peaks, greatest, largest number, largest',
    ],
    'higher density': [
      'higher, denser, highest, more numerous, increased, increases, increase, more crowded, more dense, more densely, most dense, more cellular, more closely packed, more tightly packed, more concentrated, predominantly, predominant, predominate, prevail, mainly',
      '(more/most/most of the/most of all/the most/majority of/majority of the/the majority of the) (nuclei/cells), more of them, most of them',
    ],
    'low density': [
      'low, few, scarce, scarcely any, thin, poor, poor in, rare, rarely, hardly any, barely any, almost no, almost none, nearly no, very few, (almost/nearly/virtually/practically) (empty/free/devoid of/free of/without), only few, only a few, a few, a handful, handful of, not many, not much, not very many, isolated, occasional, minimal',
      '(low/small/little) (number/numbers/count/amount) (of/), hypocellular, hypocellularity, paucicellular, poorly cellular, sparsely cellular, sparsely populated, thinly populated, paucity of, lack of, little',
    ],
    'lower density': [
      'less dense, less densely, less, least, lowest, fewer, fewest, decreased, decreases, decrease, reduced, less numerous, less crowded, less cellular, thinner, sparser, lower density, lower cellularity, lower number, lower numbers',
      '(density/cellularity/number/numbers/count) (is/are/becomes/) lower, (fewer/less/fewest/least) (nuclei/cells)',
    ],
    'even distribution':
      'even, evenly, (evenly/equally/regularly/uniformly) (spaced/spread/distributed), regular, regularly, uniform, uniformly, homogeneous, homogeneously, homogenous, equally, equal, constant, balanced, monotonous, spaced out evenly, the same everywhere, consistent, consistently',
    'uneven distribution': [
      'uneven, unevenly, irregular, irregularly, heterogeneous, heterogeneously, heterogenous, inhomogeneous, inhomogeneously, random, randomly, patchy, patchily, disorderly, disordered, chaotic, chaotically, haphazard, haphazardly, variable, varying, varies, unequal, unequally, nonuniform, non uniform, dispersed without order, without order, in disorder',
      '(not/non/hardly/never) (even/evenly/regular/regularly/uniform/uniformly/homogeneous/homogeneously/equally/equal)',
    ],
    'sparse distribution':
      'sparse, sparsely, scattered, scattering, scatter, thinly, loose, loosely, widely spaced, far apart, spread out, dispersed, strewn, sprinkled, diffusely',
    'dense distribution': 'densely',
  },
  counts: {
    '1': 'one, a single, single',
    '2': 'two, a couple of, pair of',
    '3': 'three',
    '4': 'four',
    '5': 'five',
  },
  negation: {
    before: 'no, not, without, never, none, free of, devoid of, absence of, nothing',
    after: 'absent, missing, not seen, lacking',
    clear: 'empty, clear, blank, void',
  },
  uncertain:
    'possibly, probably, perhaps, maybe, may be, might be, may, might, could be, seems, seem, appears to be, appear to be, presumably, apparently, seemingly, likely, probable, possible, ?',
  pronouns: 'it, they, these, this',
  ends: {
    but: 'but, however, although, while, whereas, though, yet',
    begin: 'there are, there is, one sees, we see',
    except: 'except, except for, apart from, other than',
  },
  foreign:
    'stroma, stromal, gland, glands, glandular, vessel, vessels, lymphocyte, lymphocytes, mitosis, mitoses, mitotic, necrosis, necrotic, blood, fat, fibrosis, fibrous, nucleolus, nucleoli, lumen, lumina, duct, ducts, collagen, artefact, artifact, staining, mucin, than (in/on/at)',
  joins: {
    and: 'and, &, +, as well as, also, plus, and also, too',
    or: 'or, nor, and/or',
    range: 'to',
    namely: 'namely, i.e., that is',
  },
  links:
    'in, at, on, of, within, towards, toward, near, along, over, across, into, inside, through, from, for, by, close to, next to, located in, located at, located on',
  with: 'with, contains, contain, containing, shows, show, showing, has, have, having, exhibits',
  residual: 'otherwise, elsewhere, remaining, rest, the rest, remainder, the remainder, other, others',
  filler: [
    'the, a, an, is, are, was, were, that, nucleus, nuclei, nuclear, cell, cells, density, densities, cellularity, distribution, distributions, distributed, arrangement, arranged, spread, spacing, spaced, placed, positioned, located, situated, lie, lies, lying, sit, found, seen, visible, present, observed, appear, appears, look, looks, get, gets, becomes, become, being, number, numbers, count, amount, population, populated, concentration, pattern, packing, level',
    'very, quite, rather, more, most, mostly, much, far, somewhat, slightly, fairly, extremely, particularly, especially, relatively, clearly, strongly, almost, about, some, any, all, every, each, only, just, so, as, which, where, here, who, their, its, them, together, compared, than, degree, extremely, tumour, tumor, cancer, epithelial, interval, intervals, fashion, way, manner, form, forms, order, run, runs, extend, extends, to a lesser extent, to a lesser degree, conspicuous, noteworthy, large, small, round, oval, dark, blue, purple, hyperchromatic, pale, out, up',
    'than the (rest/others/other side/other half)',
    'compared (with/to) (on/in/at/) the (left/right/top/bottom/rest/other side/others)',
    'without (a/any/) (preferred/particular/specific/) (area/region/pattern/order)',
    '(with no/no) (particular/clear/preferred) (area/region/pattern/order/place)',
  ],
};
