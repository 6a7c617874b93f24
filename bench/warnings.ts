/**
 * Counts warnings: on a data set's images as they are (false alarms), inverted, turned and flipped; on other
 * data sets, phantoms and blank pictures; on true masks with their own notes (false alarms) and with notes of
 * the other side or height.
 *
 *     npm run bench:warnings -- --data DIR [--other DIR ...] [--split test] [--size 224] [--sides image] [--cases N] [--phantom-size PX ...] [--cross-validate] [--json]
 *
 * The training split gives the reference figures, as in `reclmis train`. `--cases` are spread evenly over the
 * split. `--cross-validate` uses the training split only, in five folds.
 */
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import {
  flip,
  flipNoteVertically,
  imageToPlanes,
  mirror,
  mirrorNote,
  quarterTurn,
  Random,
  ResultChecks,
  type RgbImage,
  type StatedSides,
  STATED_SIDES,
  wordReader,
  WordTokenizer,
} from '@reclmis/core';
import { type GreyImage, readImage, readMask } from '@reclmis/files';
import { crossValidate } from './warnings-folds.js';
import { type Case, drawPhantom, openDataset, type Split } from '@reclmis/data';
import { measureReference } from '@reclmis/lab';

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    other: { type: 'string', multiple: true, default: [] },
    split: { type: 'string', default: 'test' },
    size: { type: 'string', default: '224' },
    sides: { type: 'string', default: 'unknown' },
    cases: { type: 'string' },
    'phantom-size': { type: 'string', multiple: true, default: ['96', '224', '256', '512'] },
    'cross-validate': { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const { data } = values;
if (data === undefined) throw new Error('expected --data DIR');
const S = Number(values.size);
const sides = STATED_SIDES.find((one): one is StatedSides => one === values.sides);
if (sides === undefined) throw new Error(`--sides: expected ${STATED_SIDES.join(', ')}`);
const isSplit = (text: string): text is Split => ['train', 'val', 'test'].includes(text);
if (!isSplit(values.split)) throw new Error(`--split: expected train, val or test, got ${values.split}`);
const PHANTOMS = 100;
/** For the cost of a large model. */
const LARGE = 1024;

function spread(cases: readonly Case[], count: number): Case[] {
  const taken = Math.min(count, cases.length);
  return Array.from({ length: taken }, (_, i) => cases[Math.floor((i * cases.length) / taken)]!);
}

const inverted = ({ width, height, data: pixels }: RgbImage): RgbImage => ({
  width,
  height,
  data: pixels.map((value) => 255 - value),
});
const grey = (value: () => number): RgbImage => {
  const pixels = new Uint8Array(3 * S * S);
  for (let p = 0; p < S * S; p++) pixels.fill(value(), 3 * p, 3 * p + 3);
  return { width: S, height: S, data: pixels };
};

const coloured = ({ width, height, data: greys }: GreyImage): RgbImage => {
  const pixels = new Uint8Array(3 * width * height);
  for (let p = 0; p < width * height; p++) pixels.fill(greys[p]!, 3 * p, 3 * p + 3);
  return { width, height, data: pixels };
};

const begun = performance.now();
const train = await openDataset(data, 'train');
const reference = await measureReference(train.cases, { size: S, resize: 'area', readsNotes: true, sides });
if (!reference) throw new Error(`${data}: no training image reads`);
const fitted = performance.now() - begun;
const words = WordTokenizer.fromNotes(train.cases.map(({ note }) => note));
const checks = new ResultChecks({ ...wordReader(words, 64), reference });

/** Share with warnings, in %. */
interface Row {
  readonly what: string;
  readonly count: number;
  readonly warned: number;
}
const counts = new Map<string, { count: number; warned: number }>();
let [spent, measured] = [0, 0]; // processor microseconds, unaffected by other load
const note = (what: string, warned: boolean): void => {
  const row = counts.get(what) ?? { count: 0, warned: 0 };
  row.count++;
  if (warned) row.warned++;
  counts.set(what, row);
};
const look = (what: string, image: RgbImage): void => {
  const planes = imageToPlanes(image, S, 'area');
  const before = process.cpuUsage();
  const warned = checks.image(planes, S).length > 0;
  spent += process.cpuUsage(before).user;
  measured++;
  note(`image: ${what}`, warned);
};

if (values['cross-validate']) {
  const result = await crossValidate(train.cases, S);
  if (values.json) console.log(JSON.stringify({ data, size: S, ...result }));
  else
    console.log(
      `${basename(data)}: ${result.warned} of ${result.images} training images (${((100 * result.warned) / result.images).toFixed(2)} %) warned of by figures of ` +
        `other patients' images, ${result.patients} patients in ${result.folds} folds, ${JSON.stringify(result.why)}`,
    );
  process.exit(0);
}
function costAt(side: number): number {
  const planes = imageToPlanes(coloured(drawPhantom(1, 0, side).image), side, 'area');
  checks.image(planes, side);
  const before = process.cpuUsage();
  for (let i = 0; i < 10; i++) checks.image(planes, side);
  return process.cpuUsage(before).user / 10_000;
}

const own = await openDataset(data, values.split);
const cases = spread(own.cases, Number(values.cases ?? own.cases.length));
for (const one of cases) {
  const image = await readImage(one.imagePath);
  look('as it is', image);
  look('mirrored', mirror(image));
  look('inverted', inverted(image));
  for (const turns of [1, 2, 3]) look(`turned by ${90 * turns}°`, quarterTurn(image, turns));
  look('flipped upside down', flip(image));
  const mask = await readMask(one.maskPath);
  const codes = (text: string): string[] => checks.mask(mask, text, sides).map(({ code }) => code);
  const right = codes(one.note);
  note('true mask, outside the zones of its note', right.includes('MASK_OUTSIDE_ZONES'));
  note('true mask, another number of areas', right.includes('AREAS_DIFFER'));
  note(
    'true mask, empty or all covered',
    right.some((code) => /EMPTY|COVERS/.test(code)),
  );
  const [swapped, flipped] = [mirrorNote(one.note), flipNoteVertically(one.note)];
  const oneSided = /left/i.test(one.note) !== /right/i.test(one.note);
  if (oneSided)
    note('one-sided note with left and right swapped', codes(swapped).includes('MASK_OUTSIDE_ZONES'));
  const oneHeight = /upper/i.test(one.note) !== /lower/i.test(one.note) && !/middle|all/i.test(one.note);
  if (oneHeight)
    note('note of one height with upper and lower swapped', codes(flipped).includes('MASK_OUTSIDE_ZONES'));
}
for (const dir of values.other) {
  for (const split of ['train', 'val', 'test'] as const)
    for (const { imagePath } of (await openDataset(dir, split)).cases)
      look(`of ${basename(dir)}`, await readImage(imagePath));
}
for (const size of values['phantom-size']) {
  for (let i = 0; i < PHANTOMS; i++)
    look(`phantom of ${size} x ${size}`, coloured(drawPhantom(1, i, Number(size)).image));
}
for (const value of [0, 64, 128, 192, 255])
  look(
    'of one value',
    grey(() => value),
  );
const random = Random.from('noise', 1);
for (const deviation of [5, 20, 60])
  for (let i = 0; i < 5; i++)
    look(
      'noise',
      grey(() => Math.min(255, Math.max(0, 128 + deviation * random.normal()))),
    );

const rows: Row[] = [...counts].map(([what, { count, warned }]) => ({ what, count, warned }));
if (values.json) console.log(JSON.stringify({ data, split: values.split, size: S, reference, rows }));
else {
  console.log(
    `${basename(data)}: figures of ${reference.cases} training images in ${(fitted / 1000).toFixed(1)} s, ` +
      `${JSON.stringify(reference.images).length} bytes; rules of masks ${JSON.stringify(reference.masks)}`,
  );
  for (const { what, count, warned } of rows)
    console.log(
      `${what.padEnd(55)} ${String(warned).padStart(5)} of ${String(count).padStart(5)}  ${((100 * warned) / count).toFixed(1).padStart(6)} %`,
    );
  console.log(`${(spent / measured / 1000).toFixed(2)} ms of a processor an image at ${S} x ${S}`);
  console.log(`${costAt(LARGE).toFixed(1)} ms at ${LARGE} x ${LARGE}`);
}
