// A mask in Node, without libtorch:
//   npm install @reclmis/runtime @reclmis/onnxruntime @reclmis/files @reclmis/phantom
//   node segment.mjs                   a sample, by the phantom model, which knows only drawings
//   node segment.mjs models/qata chest.png "Unilateral pulmonary infection, one infected area, upper left lung." mask.png [patient|image]
// The last word says whose left and right the note means; default as the model has learnt.
// For research; not for diagnosis.
import { writePngMask } from '@reclmis/files';
import { loadModel } from '@reclmis/runtime';

const given = process.argv.slice(2);
const [folder, image, note, out, sides] = given.length > 0 ? given : await sample();
if (!folder || !image || !note || !out)
  throw new Error('usage: segment.mjs [MODEL IMAGE NOTE OUT.png [patient|image]]');

async function sample() {
  const { MODEL, SAMPLES } = await import('@reclmis/phantom');
  return [MODEL, SAMPLES[2].image, SAMPLES[2].note, 'mask.png', 'patient'];
}

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
