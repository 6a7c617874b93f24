import { describe, expect, it } from 'vitest';
import { ReclmisError } from '../errors.js';
import { checkRle, decodeRuns, drawRegions, encodeRuns, maskRuns } from './coco.js';

/** By pycocotools 2.0.11 (`frPyObjects`, `merge`): width, height, polygons, compressed run lengths. */
const PYCOCOTOOLS: readonly (readonly [number, number, readonly (readonly number[])[], string])[] = [
  [16, 12, [[2, 1, 12, 1, 12, 8, 2, 8]], 'i07500000000000000000_1'],
  [16, 12, [[1.5, 2.25, 9.75, 3.5, 4.2, 10.9]], 'j03:3L2NN2O1O1Nc2'],
  [16, 12, [[-5, 3, 8, -4, 22, 6, 9, 15]], '084001O1O1OQ30nL1O0'],
  [16, 12, [[3, 3, 3, 3, 10, 3, 10, 9]], 'c11;1O1O1O1O0U2'],
  [
    16,
    12,
    [
      [1, 1, 6, 1, 6, 6, 1, 6],
      [4, 4, 12, 4, 12, 10, 4, 10],
    ],
    '=5700004L03M0000000000\\1',
  ],
  [16, 12, [[2, 2, 13, 9, 2, 9, 13, 2]], 'V115001N020N021L0440LL04ON020N02O00^1'],
  [
    37,
    29,
    [[0.281, 30.537, 15.852, 28.109, 39.054, 20.155, 18.548, 0.098, 8.543, 18.495]],
    'e22j01N2O1N2O1N2O1N2N2N2N2N101N2N2N12O1O1N2O1O1N2O1N2O1O1N2O1O1N2O1O1N2O^O',
  ],
  [
    37,
    29,
    [
      [
        26.207, 31.561, 13.38, -0.165, 9.39, 36.113, 6.176, 16.441, 37.042, -1.929, 22.824, 37.856, 6.903,
        20.585,
      ],
    ],
    'n52k06IN]O1=1CN=3CI?2FN63OMH:9HH4:LG29NJN81;O^O16OI55JK83HL<92M4M2M3MO2N1N3M2N2N3N1N3M3MP1',
  ],
  [
    37,
    29,
    [
      [
        36.093, 2.726, 19.507, 29.268, 25.768, 17.113, 5.809, 18.103, 13.013, 17.528, 12.733, 33.03, 30.052,
        10.502, 21.623, 8.87, 16.472, 12.178,
      ],
    ],
    '[<;b00000OJGJ8>NJJI57KI5MK60M4LLa02_ONc01]OO;0J0J0>1FOK1?1E0=0BO?2_OOb01]ONd051N1O2O0O2Ok0',
  ],
  [
    37,
    29,
    [
      [
        25.268, 12.925, 16.741, 27.931, 14.759, 35.976, 4.759, 28.868, 15.162, 15.338, 24.278, 19.485, 14.84,
        -2.939, 0.967, 27.504, 19.547, 26.935, 38.085, 26.365, -0.715, 10.281,
      ],
    ],
    ':1l00C1:2CMN52KL65KH7LH:1G<9DF91G<8EH60J71I32M22LN6OM4MK82I4;LC6=50DD70G93F61I71I=4DK2132KNO29MI0L5b0K]O6>KDON6>LCNO6>JH5`001O00001O001O00001O0O5',
  ],
];

const codeOf = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    if (error instanceof ReclmisError) return error.code;
    throw error;
  }
  return 'none';
};

describe('COCO regions', () => {
  it('are drawn to the pixel as pycocotools draws them', () => {
    for (const [width, height, polygons, counts] of PYCOCOTOOLS) {
      const mask = drawRegions(
        polygons.map((points) => ({ kind: 'polygon', points })),
        width,
        height,
      );
      expect(encodeRuns(maskRuns(mask))).toBe(counts);
      expect(drawRegions([{ kind: 'rle', counts }], width, height)).toEqual(mask);
      expect(drawRegions([{ kind: 'rle', counts: decodeRuns(counts) }], width, height)).toEqual(mask);
    }
  });

  it('read and write run lengths as pycocotools', () => {
    const rows = ['1011101', '0001000', '0000011', '1011111', '0100110'];
    const data = Uint8Array.from(rows.join(''), Number);
    const mask = { width: 7, height: 5, data };
    expect(encodeRuns(maskRuns(mask))).toBe('012031MOO10O001102ON0');
    expect(drawRegions([{ kind: 'rle', counts: '012031MOO10O001102ON0' }], 7, 5)).toEqual(mask);
  });

  it('refuse run lengths of another size, and what is none', () => {
    expect(checkRle([3, 2, 1], 2, 3)).toEqual([3, 2, 1]);
    for (const counts of [[3, 2], [3, 2, 1.5], [8, -2], [Number.NaN], '~', 'o', 'ooooooooo'])
      expect(codeOf(() => checkRle(counts, 2, 3))).toBe('ANNOTATION_INVALID');
  });

  it('refuse outlines that would take forever', () => {
    const points = [0, 0, 1e9, 0, 0, 1e9];
    expect(codeOf(() => drawRegions([{ kind: 'polygon', points }], 8, 8))).toBe('ANNOTATION_INVALID');
  });
});
