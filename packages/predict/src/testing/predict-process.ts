/** A prediction with `brightness.ts`, to be killed. Arguments: images, notes, out, delay. */
import { predictionCases } from '../cases.js';
import { predict } from '../predict.js';
import { BRIGHTNESS, Brightness } from './brightness.js';

const [image = '', notes = '', out = '', delay = '0'] = process.argv.slice(2);
const cases = await predictionCases({ image, notes, out, spacing: [0.5, 0.25] });
const { status } = await predict({
  segmenter: new Brightness(16, Number(delay)),
  model: BRIGHTNESS,
  cases,
  out,
  outputs: { overlay: true, probability: 'npy', contours: true },
  beginning: 'resume',
  batchSize: 3,
});
process.stdout.write(`${status}\n`);
