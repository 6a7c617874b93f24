// A mask by the Open Inference Protocol (v2), as Triton, KServe and `reclmis serve` speak it:
//   npm install @reclmis/core @reclmis/files
//   node client.mjs http://127.0.0.1:8000 models/qata chest.png "One infected area in the upper left lung." mask.png
// The folder is that of `reclmis export`: it holds the manifest with the tokeniser. For research; not for diagnosis.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  ClipTokenizer,
  habitsOf,
  imageToPlanes,
  noteForModel,
  parseManifest,
  resizeOf,
  resizePlane,
  threshold,
  WordTokenizer,
} from '@reclmis/core';
import { readImage, writePngMask } from '@reclmis/files';

const [server, folder, path, note, out] = process.argv.slice(2);
if (!server || !folder || !path || !note || !out)
  throw new Error('usage: client.mjs SERVER MODEL IMAGE NOTE OUT.png');

const manifest = parseManifest(JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')), folder);
const { segmenter, textEncoder, image } = manifest;
const { size } = image;

/** One output, float32. Tensors go and come as binary data after the JSON. */
async function infer(model, inputs, output) {
  const tensors = inputs.map(({ data }) => Buffer.from(data.buffer, data.byteOffset, data.byteLength));
  const json = Buffer.from(
    JSON.stringify({
      inputs: inputs.map(({ name, datatype, shape }, i) => ({
        ...{ name, datatype, shape },
        parameters: { binary_data_size: tensors[i].length },
      })),
      outputs: [{ name: output, parameters: { binary_data: true } }],
    }),
  );
  const response = await fetch(`${server}/v2/models/${model}/infer`, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/octet-stream',
      'Inference-Header-Content-Length': String(json.length),
    },
    body: Buffer.concat([json, ...tensors]),
  });
  if (!response.ok) throw new Error(`${model}: ${response.status} ${await response.text()}`);
  const head = Number(response.headers.get('Inference-Header-Content-Length'));
  return new Float32Array((await response.arrayBuffer()).slice(head));
}

/** The model's tokens of a note. */
async function tokensOf({ tokenizer, contextLength }, text) {
  const words =
    tokenizer.kind === 'words'
      ? WordTokenizer.fromJSON(tokenizer.vocabulary)
      : ClipTokenizer.fromMerges(await readFile(join(folder, tokenizer.merges.name), 'utf8'));
  return BigInt64Array.from(words.encode(text, contextLength).ids, BigInt);
}

const picture = await readImage(path);
const inputs = [
  {
    name: segmenter.inputs.image,
    datatype: 'FP32',
    shape: [1, 3, size, size],
    data: imageToPlanes(picture, size, resizeOf(manifest)),
  },
];
if (manifest.note && textEncoder) {
  const { contextLength, width } = manifest.note;
  const { text } = noteForModel(note, habitsOf(manifest)); // free text in the words that the model has learnt
  const tokens = await tokensOf(manifest.note, text);
  const encoded = await infer(
    'text-encoder',
    [{ name: textEncoder.inputs.tokens, datatype: 'INT64', shape: [1, contextLength], data: tokens }],
    textEncoder.outputs.note,
  );
  inputs.push({
    name: segmenter.inputs.note,
    datatype: 'FP32',
    shape: [1, contextLength, width],
    data: encoded,
  });
}
const probability = await infer('segmenter', inputs, segmenter.outputs.probability);
const whole = resizePlane(probability, size, size, picture.width, picture.height);
const mask = threshold(whole, picture.width, picture.height, manifest.threshold);
await writePngMask(out, mask);
console.log(`${out}: ${mask.width} x ${mask.height}, ${mask.data.filter(Boolean).length} pixels in the mask`);
