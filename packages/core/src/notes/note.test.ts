import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatNote,
  parseNote,
  type NucleiStatement,
  type ParsedNote,
  type Place,
  type Side,
  type Zone,
} from './note.js';

const nothing: ParsedNote = {
  laterality: null,
  finding: null,
  count: null,
  places: [],
  nuclei: [],
  remainder: [],
};
const place = (side: Side | null, ...zones: Zone[]): Place => ({ side, zones });
const lungs = (text: string): readonly Place[] => {
  const { places, remainder } = parseNote(text);
  expect(remainder, text).toEqual([]);
  return places;
};

describe('parseNote', () => {
  it('reads the canonical sentence', () => {
    expect(
      parseNote(
        'Bilateral pulmonary infection, two infected areas, upper left lung and middle lower right lung.',
      ),
    ).toEqual({
      ...nothing,
      laterality: 'bilateral',
      finding: 'pulmonary infection',
      count: 2,
      places: [place('left', 'upper'), place('right', 'middle', 'lower')],
    });
    expect(parseNote('Unilateral pulmonary infection, one infected area, all right lung.')).toEqual({
      ...nothing,
      laterality: 'unilateral',
      finding: 'pulmonary infection',
      count: 1,
      places: [place('right', 'all')],
    });
  });

  it.each<[string, Place[]]>([
    ['all lung and all right lung.', [place(null, 'all'), place('right', 'all')]],
    ['all lower left lung', [place('left', 'all', 'lower')]],
    [
      'upper left lung, lower left lung and middle right lung',
      [place('left', 'upper'), place('left', 'lower'), place('right', 'middle')],
    ],
    ['Lower left and middle right lung', [place('left', 'lower'), place('right', 'middle')]],
    ['upper and lower left lung', [place('left', 'upper', 'lower')]],
    ['upper, lower left lung', [place('left', 'upper', 'lower')]],
    ['the LEFT UPPER lobe', [place('left', 'upper')]],
    ['left mid-zone and right lower zone', [place('left', 'middle'), place('right', 'lower')]],
    ['lower leftlung andright lung', [place('left', 'lower'), place('right')]],
    ['uper lfet lung, lowwer rigth lung', [place('left', 'upper'), place('right', 'lower')]],
    ['both lower lungs', [place('left', 'lower'), place('right', 'lower')]],
    ['left-sided', [place('left')]],
    ['lower lower right lung', [place('right', 'lower')]],
  ])('reads the places of "%s"', (text, places) => {
    expect(lungs(text)).toEqual(places);
  });

  it('understands slips, digits, missing spaces and commas', () => {
    const canonical = parseNote(
      'Bilateral pulmonary infection, three infected areas, upper left lung and lower right lung.',
    );
    expect(
      parseNote('BILATERAL  pulmnary infction,3 infected area ,upperleft lung and lower rightlung'),
    ).toEqual(canonical);
    expect(
      parseNote('bilatreal pulmonary infection three infected areas upper left lung and lower right lung'),
    ).toEqual(canonical);
  });

  it('reads a finding without laterality if its last word says so', () => {
    expect(parseNote('COVID-19 pneumonia in the left lung')).toEqual({
      ...nothing,
      finding: 'covid-19 pneumonia',
      places: [place('left')],
    });
  });

  it.each<[string, NucleiStatement]>([
    ['The nuclei are sparsely distributed.', { kind: 'distribution', manner: 'sparsely' }],
    ['the nuclei are evenly distributed', { kind: 'distribution', manner: 'evenly' }],
    [
      'The nuclei density in the lower left is high.',
      { kind: 'density', level: 'high', where: place('left', 'lower') },
    ],
    ['The nuclei density in the right is high.', { kind: 'density', level: 'high', where: place('right') }],
    [
      'The nuclei density in the lower is lower.',
      { kind: 'density', level: 'lower', where: place(null, 'lower') },
    ],
    ['The nuclei density is higher around.', { kind: 'density', level: 'higher', where: null }],
  ])('reads "%s"', (text, statement) => {
    expect(parseNote(text)).toEqual({ ...nothing, nuclei: [statement] });
  });

  it('keeps unknown text verbatim, next to what it knows', () => {
    expect(parseNote('Ground-glass opacity (2.5 cm) in the left upper lobe; no effusion.')).toEqual({
      ...nothing,
      places: [place('left', 'upper')],
      remainder: ['Ground-glass opacity (2.5 cm', 'no effusion'],
    });
    expect(parseNote('bright tower slower felt')).toEqual({
      ...nothing,
      remainder: ['bright tower slower felt'],
    });
    expect(parseNote('upper spleen, left lung')).toEqual({
      ...nothing,
      places: [place(null, 'upper'), place('left')],
      remainder: ['spleen'],
    });
    expect(parseNote('')).toEqual(nothing);
    expect(parseNote(' . , ; ')).toEqual(nothing);
  });

  it('never throws and always formats', () => {
    const words = fc.constantFrom(
      ...'left Right upper all lung and , . the nuclei density is in one 3 areas ü 👍 constructor'.split(' '),
    );
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(words).map((list) => list.join(' ')),
    );
    fc.assert(
      fc.property(text, (note) => typeof formatNote(parseNote(note)) === 'string'),
      { numRuns: 500 },
    );
  });
});

const zones = fc.uniqueArray(fc.constantFrom<Zone>('upper', 'middle', 'lower', 'all'), { maxLength: 4 });
const places = fc
  .record({ side: fc.constantFrom<Side | null>('left', 'right', null), zones })
  .filter(({ side, zones: list }) => side !== null || list.length > 0);
const statements = fc.oneof(
  fc.record({
    kind: fc.constant('distribution' as const),
    manner: fc.constantFrom('evenly', 'sparsely', 'densely'),
  }),
  fc.record({
    kind: fc.constant('density' as const),
    level: fc.constantFrom('high', 'low', 'higher', 'lower'),
    where: fc.option(places.filter(({ zones: list }) => !list.includes('all'))),
  }),
);
const parsed: fc.Arbitrary<ParsedNote> = fc.record({
  laterality: fc.constantFrom('unilateral' as const, 'bilateral' as const, null),
  finding: fc.constantFrom('pulmonary infection', 'covid-19 pneumonia', null),
  count: fc.option(fc.integer({ min: 0, max: 30 })),
  places: fc.array(places, { maxLength: 4 }),
  nuclei: fc.array(statements, { maxLength: 2 }),
  remainder: fc.constant([]),
});

describe('formatNote', () => {
  it('writes the canonical sentence', () => {
    expect(
      formatNote({
        ...nothing,
        laterality: 'bilateral',
        finding: 'pulmonary infection',
        count: 2,
        places: [place('left', 'upper'), place('right', 'lower')],
      }),
    ).toBe('Bilateral pulmonary infection, two infected areas, upper left lung and lower right lung.');
    expect(
      formatNote({ ...nothing, count: 1, places: [place('left'), place('left', 'all'), place(null, 'all')] }),
    ).toBe('One infected area, left lung, all left lung and all lung.');
    expect(formatNote({ ...nothing, count: 21, remainder: ['no effusion'] })).toBe(
      '21 infected areas. No effusion.',
    );
    expect(formatNote(nothing)).toBe('');
  });

  it('is reversed by parseNote', () => {
    fc.assert(
      fc.property(parsed, (note) => {
        expect(parseNote(formatNote(note))).toEqual(note);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('words in another order', () => {
  it.each([
    ['right lung middle', [{ side: 'right', zones: ['middle'] }]],
    [
      'Unilateral pulmonary infection, one infected area, right lung upper middle.',
      [{ side: 'right', zones: ['upper', 'middle'] }],
    ],
    ['middle lung on the right', [{ side: 'right', zones: ['middle'] }]],
    ['middle lung right', [{ side: 'right', zones: ['middle'] }]],
    [
      'middle lower lung right and upper lung left',
      [
        { side: 'right', zones: ['middle', 'lower'] },
        { side: 'left', zones: ['upper'] },
      ],
    ],
    ['lower lobe of the left side', [{ side: 'left', zones: ['lower'] }]],
    // No other place gains or loses a zone.
    [
      'right lung middle left lung',
      [
        { side: 'right', zones: [] },
        { side: 'left', zones: ['middle'] },
      ],
    ],
    [
      'right lung and middle left lung',
      [
        { side: 'right', zones: [] },
        { side: 'left', zones: ['middle'] },
      ],
    ],
    [
      'right lung, middle left lung',
      [
        { side: 'right', zones: [] },
        { side: 'left', zones: ['middle'] },
      ],
    ],
    [
      'middle lung, right lung',
      [
        { side: null, zones: ['middle'] },
        { side: 'right', zones: [] },
      ],
    ],
  ])('%s', (text, places) => {
    expect(parseNote(text).places).toEqual(places);
  });
});
