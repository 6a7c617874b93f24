/**
 * Predicts with `brightness.ts` in its own process (`node --expose-gc`); prints memory held after a fifth of
 * the images and at the end, as JSON. Arguments: images, out.
 */
import { predictionCases } from '../cases.js';
import { predict } from '../predict.js';
import { BRIGHTNESS, Brightness } from './brightness.js';

interface Memory {
  readonly heap: number;
  /** Outside V8's heap: pixels. */
  readonly buffers: number;
  readonly resident: number;
}

function measureMemory(): Memory {
  globalThis.gc?.();
  globalThis.gc?.(); // finalisers of the first collection free more
  const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
  return { heap: heapUsed, buffers: arrayBuffers, resident: rss };
}

const [image = '', out = ''] = process.argv.slice(2);
const cases = await predictionCases({ image, out, note: 'bright' });
const marks: Memory[] = [];
const { status, counts } = await predict({
  segmenter: new Brightness(),
  model: BRIGHTNESS,
  cases,
  out,
  onProgress: (done) => {
    if (marks.length === 0 && done >= cases.length / 5) marks.push(measureMemory());
    if (marks.length === 1 && done >= cases.length * 0.99) marks.push(measureMemory());
  },
});
process.stdout.write(
  JSON.stringify({ status, counts, marks, peakKilobytes: process.resourceUsage().maxRSS }),
);
