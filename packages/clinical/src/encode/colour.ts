/** sRGB to and from DICOM's CIELab (PS3.3 C.10.7.1.1: D50, each component over 16 bits). */
import type { Rgb } from '@reclmis/core';

/** Linear sRGB to XYZ adapted to D50 (Bradford), as in the ICC's sRGB profile. */
const TO_XYZ = [
  [0.4360747, 0.3850649, 0.1430804],
  [0.2225045, 0.7168786, 0.0606169],
  [0.0139322, 0.0971045, 0.7141733],
] as const;
const FROM_XYZ = [
  [3.1338561, -1.6168667, -0.4906146],
  [-0.9787684, 1.9161415, 0.033454],
  [0.0719453, -0.2289914, 1.4052427],
] as const;
const WHITE = [0.96422, 1, 0.82521] as const;
const BEND = 6 / 29;

type Triple = readonly [number, number, number];
const times = (matrix: readonly Triple[], [a, b, c]: Triple): Triple =>
  matrix.map((row) => row[0] * a + row[1] * b + row[2] * c) as unknown as Triple;

/** @param rgb 0..255 each @returns L*, a* and b*, 0..65535 each */
export function dicomLab(rgb: Rgb): readonly [number, number, number] {
  const linear = rgb.map((value) => {
    const v = value / 255;
    return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  }) as unknown as Triple;
  const [x, y, z] = times(TO_XYZ, linear).map((value, i) => {
    const t = value / WHITE[i]!;
    return t > BEND ** 3 ? Math.cbrt(t) : t / (3 * BEND ** 2) + 4 / 29;
  }) as unknown as Triple;
  return [word((116 * y - 16) / 100), word((500 * (x - y) + 128) / 255), word((200 * (y - z) + 128) / 255)];
}

const word = (share: number): number => Math.max(0, Math.min(65_535, Math.round(share * 65_535)));

/** @param lab 0..65535 each @returns 0..255 each, cut off where sRGB ends */
export function rgbOfLab(lab: readonly [number, number, number]): Rgb {
  const [l, a, b] = [(lab[0] / 65_535) * 100, (lab[1] / 65_535) * 255 - 128, (lab[2] / 65_535) * 255 - 128];
  const y = (l + 16) / 116;
  const xyz = [y + a / 500, y, y - b / 200].map((t, i) => {
    const value = t > BEND ? t ** 3 : 3 * BEND ** 2 * (t - 4 / 29);
    return value * WHITE[i]!;
  }) as unknown as Triple;
  return times(FROM_XYZ, xyz).map((v) => {
    const curved = v <= 0.0031308 ? 12.92 * v : 1.055 * v ** (1 / 2.4) - 0.055;
    return Math.max(0, Math.min(255, Math.round(curved * 255)));
  }) as unknown as Rgb;
}
