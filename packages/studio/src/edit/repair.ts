/** Repairs of a whole mask: holes filled, everything but the largest component removed. */
import { labelRuns, type Mask, measureComponents } from '@reclmis/core';
import type { Recorder } from './patch.js';

/** Fills background that does not reach the border, even by edges alone (4-connectivity, as the mask has 8). */
export function fillHoles(recorder: Recorder, mask: Mask): void {
  const { width, height } = mask;
  const background: Mask = { width, height, data: mask.data.map((value) => (value === 0 ? 1 : 0)) };
  const runs = labelRuns(background, 4);
  const open = new Uint8Array(runs.count);
  const { rows, start, end, label } = runs;
  for (let y = 0; y < height; y++)
    for (let run = rows[y]!; run < rows[y + 1]!; run++)
      if (y === 0 || y === height - 1 || start[run] === 0 || end[run] === width) open[label[run]!] = 1;
  for (let y = 0; y < height; y++)
    for (let run = rows[y]!; run < rows[y + 1]!; run++)
      if (open[label[run]!] === 0) recorder.set(y, start[run]!, end[run]!, 1);
}

/** Removes all components (8-connectivity) but the largest; of equal ones the first in reading order stays. */
export function keepLargest(recorder: Recorder, mask: Mask): void {
  const runs = labelRuns(mask, 8);
  if (runs.count < 2) return;
  const [largest] = measureComponents(runs).order;
  const { rows, start, end, label } = runs;
  for (let y = 0; y < mask.height; y++)
    for (let run = rows[y]!; run < rows[y + 1]!; run++)
      if (label[run] !== largest) recorder.set(y, start[run]!, end[run]!, 0);
}
