// A mask in Node, without libtorch:
//   npm install @reclmis/runtime @reclmis/files
//   node segment.mjs models/qata chest.png "Unilateral pulmonary infection, one infected area, upper left lung." mask.png [patient|image]
// The last word says whose left and right the note means; default as the model has learnt.
// For research; not for diagnosis.
import { writePngMask } from '@reclmis/files';
import { loadModel } from '@reclmis/runtime';

const [folder, image, note, out, sides] = process.argv.slice(2);
if (!folder || !image || !note || !out)
  throw new Error('usage: segment.mjs MODEL IMAGE NOTE OUT.png [patient|image]');

const model = await loadModel(folder);
try {
  const {
    mask,
    width,
    height,
    note: read,
    timings,
  } = await model.segment(image, note, sides ? { sides } : {});
  const inside = mask.data.filter((value) => value === 1).length;
  await writePngMask(out, mask);
  console.log(`${out}: ${width} x ${height}, ${inside} pixels in the mask, ${Math.round(timings.total)} ms`);
  console.log(`left and right of the note: ${read.sides}${read.mirrored ? ', exchanged for the model' : ''}`);
} finally {
  await model.dispose();
}
