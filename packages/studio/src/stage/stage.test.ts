/** Drawing's arithmetic: transforms, windows, outlines, differences. */
import type { Mask } from '@reclmis/core';
import { describe, expect, it } from 'vitest';
import { FIRST_VIEW } from '../state/state.js';
import { areaOf, compareMasks } from './compare-masks.js';
import { boxOf, outlineOf, type Pen, trace } from './outline.js';
import { draggedWindow, toImage, toStage, transformOf, windowTable, zoomedAt } from './transform.js';

const maskOf = (...rows: readonly string[]): Mask => ({
  width: rows[0]!.length,
  height: rows.length,
  data: Uint8Array.from(rows.join(''), (c) => Number(c === '#')),
});

describe('the transform', () => {
  const [stage, image] = [
    { width: 832, height: 432 },
    { width: 100, height: 50 },
  ];
  it('fits the image into the stage, in its middle', () => {
    const fit = transformOf(stage, image, FIRST_VIEW);
    expect(fit).toEqual({ scale: 8, left: 16, top: 16 });
    expect(toImage(fit, toStage(fit, { x: 12.5, y: 40 }))).toEqual({ x: 12.5, y: 40 });
  });
  it('keeps the point under the pointer while zooming, within its limits', () => {
    const at = { x: 300, y: 200 };
    const before = toImage(transformOf(stage, image, FIRST_VIEW), at);
    const view = zoomedAt(FIRST_VIEW, 3, at, stage, image);
    const after = toImage(transformOf(stage, image, view), at);
    expect(view.zoom).toBe(3);
    expect([after.x, after.y]).toEqual([expect.closeTo(before.x, 9), expect.closeTo(before.y, 9)]);
    expect(zoomedAt(FIRST_VIEW, 1e6, at, stage, image).zoom).toBe(32);
    expect(zoomedAt(FIRST_VIEW, 1e-6, at, stage, image).zoom).toBe(0.25);
  });
});

it('a window maps grey values by a straight line, clamped; a drag changes it', () => {
  const whole = windowTable(FIRST_VIEW.window);
  expect([whole[0], whole[100], whole[255]]).toEqual([0, 100, 255]);
  const narrow = windowTable({ width: 100, level: 150 });
  expect([narrow[99], narrow[100], narrow[150], narrow[200], narrow[201]]).toEqual([0, 0, 128, 255, 255]);
  expect(draggedWindow({ width: 200, level: 100 }, -50, 30)).toEqual({ width: 150, level: 130 });
  expect(draggedWindow({ width: 200, level: 100 }, -900, -900)).toEqual({ width: 1, level: 0 });
});

describe('an outline', () => {
  const mask = maskOf('......', '..##..', '..##..', '......');
  const record = (exact: boolean): [string, ...number[]][] => {
    const calls: [string, ...number[]][] = [];
    const note = (name: string) => (...values: number[]) => void calls.push([name, ...values]); // prettier-ignore
    const pen: Pen = { moveTo: note('move'), lineTo: note('line'), quadraticCurveTo: note('curve'), closePath: note('close') }; // prettier-ignore
    trace(pen, outlineOf(mask), exact);
    return calls;
  };
  it('runs along the pixels’ edges where it is exact', () => {
    expect(record(true)).toEqual([['move', 2, 1], ['line', 4, 1], ['line', 4, 3], ['line', 2, 3], ['line', 2, 1], ['close']]); // prettier-ignore
  });
  it('stays within a pixel of the mask where it is smooth', () => {
    const points = record(false).flatMap(([, ...values]) => values);
    expect(points.length).toBeGreaterThan(20);
    for (let i = 0; i < points.length; i += 2) {
      expect(points[i]).toBeGreaterThanOrEqual(2);
      expect(points[i]).toBeLessThanOrEqual(4);
      expect(points[i + 1]).toBeGreaterThanOrEqual(1);
      expect(points[i + 1]).toBeLessThanOrEqual(3);
    }
  });
  it('is empty for an empty mask', () => {
    expect([boxOf(maskOf('..', '..')), outlineOf(maskOf('..', '..'))]).toEqual([null, { rings: [] }]);
    expect(boxOf(mask)).toEqual([2, 1, 2, 2]);
  });
});

it('two masks are kept, gained and lost pixels', () => {
  const { kept, gained, lost } = compareMasks(maskOf('##..'), maskOf('.##.'));
  expect([kept, gained, lost].map(({ data }) => [...data])).toEqual([[0, 1, 0, 0], [0, 0, 1, 0], [1, 0, 0, 0]]); // prettier-ignore
  expect([kept, gained, lost].map(areaOf)).toEqual([1, 1, 1]);
  expect(areaOf(compareMasks(maskOf('#'), maskOf('##')).gained)).toBe(2); // of another size: nothing before
});
