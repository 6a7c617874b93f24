/**
 * Times radiographs in DICOM, 2,000 x 2,500 pixels of 16 bits, from file to the planes of 224 pixels that a model reads,
 * and compares their stored pixels with the originals.
 *
 *     npm run bench:clinical -- [--runs 9] [--json]
 *
 * Needs a quiet machine. Files are in the page cache; decoders run once before they are timed.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readDicom } from '@reclmis/clinical';
import {
  encodeFrame,
  imageFile,
  phantomFrame,
  type Attribute,
  type Encoding,
  type Frame,
} from '@reclmis/clinical/testing';
import { imageToPlanes, USUAL_RESIZE } from '@reclmis/core';
import { markdownTable } from '@reclmis/data';

const WIDTH = 2000;
const HEIGHT = 2500;
const SIZE = 224;
const WARM_UP = 3;
const JPEG = '1.2.840.10008.1.2.4';
/** Black 20,000, white 40,000. */
const WINDOW: readonly Attribute[] = [
  [0x00281050, 'DS', '30000'],
  [0x00281051, 'DS', '20001'],
];

interface Form {
  readonly name: string;
  readonly codec: string;
  readonly syntax: string;
  readonly encoding: Encoding | null;
  readonly parameters?: Record<string, unknown>;
  /** Without a window in the file the percentiles are computed. */
  readonly window?: boolean;
}

const LOSSLESS = { lossy: false };
const FORMS: readonly Form[] = [
  { name: 'uncompressed', codec: '', syntax: '1.2.840.10008.1.2.1', encoding: null },
  {
    name: 'uncompressed, no window',
    codec: '',
    syntax: '1.2.840.10008.1.2.1',
    encoding: null,
    window: false,
  },
  { name: 'big endian', codec: '', syntax: '1.2.840.10008.1.2.2', encoding: null },
  { name: 'RLE', codec: 'own', syntax: '1.2.840.10008.1.2.5', encoding: 'rle' },
  { name: 'JPEG lossless', codec: 'own', syntax: `${JPEG}.70`, encoding: 'jpeg', parameters: { ...LOSSLESS, predictor: 1, pointTransform: 0 } }, // prettier-ignore
  { name: 'JPEG-LS', codec: 'CharLS', syntax: `${JPEG}.80`, encoding: 'jpegLs', parameters: LOSSLESS },
  { name: 'JPEG 2000', codec: 'OpenJPEG', syntax: `${JPEG}.90`, encoding: 'jpeg2000', parameters: LOSSLESS },
  { name: 'HTJ2K', codec: 'OpenJPH', syntax: `${JPEG}.201`, encoding: 'htJpeg2000', parameters: LOSSLESS },
];

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '9' }, json: { type: 'boolean', default: false } },
});
const runs = Number(values.runs);
if (!Number.isInteger(runs) || runs < 1) throw new Error('--runs: expected a whole number from 1');

const median = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN;

async function fileOf(
  { syntax, encoding, parameters = {}, window = true }: Form,
  frame: Frame,
): Promise<Uint8Array> {
  const { data } = frame;
  const plain = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const pixels =
    encoding === null
      ? syntax.endsWith('.2')
        ? [...data]
        : plain
      : { fragments: [new Uint8Array(0), await encodeFrame(frame, encoding, parameters)] };
  return imageFile({ width: WIDTH, height: HEIGHT, pixels, more: window ? WINDOW : [] }, { syntax });
}

/** The planes, and milliseconds. */
async function timed(
  path: string,
): Promise<{ readonly planes: Float32Array; readonly milliseconds: number }> {
  const start = performance.now();
  const image = await readDicom(await readFile(path));
  const planes = imageToPlanes(await image.frame(0), SIZE, USUAL_RESIZE);
  return { planes, milliseconds: performance.now() - start };
}

const folder = mkdtempSync(join(tmpdir(), 'reclmis-bench-'));
try {
  const frame = phantomFrame(WIDTH, HEIGHT, { stored: 16 });
  const reference = join(folder, 'reference.dcm');
  writeFileSync(reference, await fileOf(FORMS[0]!, frame));
  const expected = (await timed(reference)).planes;
  const rows: { form: Form; megabytes: number; middle: number; least: number; equal: boolean }[] = [];
  for (const form of FORMS) {
    const path = join(folder, 'image.dcm');
    const bytes = await fileOf(form, frame);
    writeFileSync(path, bytes);
    const all: number[] = [];
    let equal = true;
    for (let run = 0; run < WARM_UP + runs; run += 1) {
      const { planes, milliseconds } = await timed(path);
      if (run >= WARM_UP) all.push(milliseconds);
      equal &&= form.window === false || planes.every((value, i) => value === expected[i]);
    }
    rows.push({ form, megabytes: bytes.length / 1e6, middle: median(all), least: Math.min(...all), equal });
  }
  if (values.json) console.log(JSON.stringify(rows));
  else
    console.log(
      markdownTable(
        ['file', 'decoder', 'MB', 'ms, median', 'ms, least', 'planes as uncompressed'],
        rows.map(({ form, megabytes, middle, least, equal }) => [
          form.name,
          form.codec,
          megabytes.toFixed(1),
          middle.toFixed(0),
          least.toFixed(0),
          form.window === false ? '' : equal ? 'yes' : 'no',
        ]),
      ),
    );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
