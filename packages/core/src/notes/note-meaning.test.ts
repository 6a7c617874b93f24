import { describe, expect, it } from 'vitest';
import { oneSideNamed } from './infer-sides.js';
import { maskWarnings } from './mask-warnings.js';
import { parseNote } from './note.js';
import { meaningOf } from './note-meaning.js';
import { SHIPS } from '../testing/ships.js';
import { namedZones, zoneNames } from './zone-map.js';

const zones = (note: string): string[] => zoneNames(namedZones(meaningOf(note)) ?? 0);

describe('meaningOf', () => {
  it.each([
    ['No opacity on the left. RLL consolidation.', ['lower right']],
    ['Infiltrat links basal', ['lower left']],
    ['左肺上叶病灶', ['upper left']],
    ['Left lung clear, opacity in the rml', ['middle right']],
    ['Opacity in the left or right base', []],
    ['Lungs clear', []],
    ['Unilateral pulmonary infection, one infected area, upper left lung.', ['upper left']],
  ])('reads the zones of "%s"', (note, named) => expect(zones(note)).toEqual(named));

  it('leaves notes of the grammar, of nuclei and about something else as parsed', () => {
    for (const note of [
      'Bilateral pulmonary infection, two infected areas, upper left lung and lower right lung.',
      'The nuclei density in the lower left is high.',
      'left breast, two masses',
      '',
    ])
      expect(meaningOf(note)).toEqual(parseNote(note));
  });

  it('takes only sides from other vocabularies', () => {
    expect(meaningOf('a hole at port bow', SHIPS).places).toEqual([{ side: 'left', zones: [] }]);
    expect(oneSideNamed('a hole at port bow', SHIPS)).toBe('left');
  });
});

it('checks masks by what free text says', () => {
  // the image's upper left quarter
  const data = Uint8Array.from({ length: 64 }, (_, p) => Number(p % 8 < 4 && p < 32));
  const codes = (note: string): string[] =>
    maskWarnings({ width: 8, height: 8, data }, { note: meaningOf(note), sides: 'image' }).map(
      ({ code }) => code,
    );
  expect(codes('Infiltrat links oben')).toEqual([]);
  expect(codes('Infiltrat rechts oben')).toEqual(['MASK_OUTSIDE_ZONES']);
  expect(codes('No opacity on the right. LUL consolidation.')).toEqual([]);
  expect(codes('2 foci in the LUL')).toEqual(['AREAS_DIFFER']);
  const empty = { width: 8, height: 8, data: new Uint8Array(64) };
  expect(maskWarnings(empty, { note: meaningOf('Lungs clear.'), sides: 'image' })).toEqual([]);
});
