// A mask in Node, without libtorch:
//   npm install @reclmis/runtime @reclmis/files
//   node segment.mjs models/qata chest.png "Unilateral pulmonary infection, one infected area, upper left lung." mask.png
// For research; not for diagnosis.
import { writePngMask } from '@reclmis/files';
import { loadModel } from '@reclmis/runtime';

const [folder, image, note, out] = process.argv.slice(2);
if (!folder || !image || !note || !out) throw new Error('usage: segment.mjs MODEL IMAGE NOTE OUT.png');

const model = await loadModel(folder);
try {
  const { mask, width, height, timings } = await model.segment(image, note);
  const inside = mask.data.filter((value) => value === 1).length;
  await writePngMask(out, mask);
  console.log(`${out}: ${width} x ${height}, ${inside} pixels in the mask, ${Math.round(timings.total)} ms`);
} finally {
  await model.dispose();
}
