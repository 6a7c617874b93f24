/**
 * Draws a case under each probe's note (rewordings left out), with the named zones outlined. R and L are the patient's sides if the
 * notes mean those, else the image's.
 */
import {
  CHEST_LINES,
  COLOURS,
  imageFrame,
  imageToPlanes,
  lungFrame,
  type Mask,
  meaningOf,
  namedZones,
  overlay,
  resizeImage,
  resizeMask,
  ReclmisError,
  type RgbImage,
  score,
  zoneMap,
  type ZoneSet,
} from '@reclmis/core';
import { renderSvg } from '@reclmis/files';
import { readSample, openLungMasks } from '@reclmis/data';
import type { EvaluatedModel } from '../evaluate.js';
import { NOTE_CHANGES, noteVariant, type NoteVariant } from '../note-variants.js';
import { css } from '../../plots/chart.js';
import { paste } from '../../plots/overview.js';
import { FAINT, svgText, wrapText } from '../../plots/text.js';
import { openRun } from '../../run/run.js';
import { PROBE_TITLES } from './titles.js';
import { type NoteProbes, type ProbeOptions, runVariants } from './probes.js';

const TILE = 224;
const GAP = 18;
const COLUMNS = 4;
const HEAD = 26;
const FOOT = 84;
const NOTE_SIZE = 11.5;
const NOTE_LINE = 15;

interface Tile {
  readonly title: string;
  readonly note: string;
  readonly mask: Mask;
  readonly dice: number | null;
  readonly named: ZoneSet | null;
  readonly colour: (typeof COLOURS)[keyof typeof COLOURS];
}

/** @throws STEM_UNKNOWN, and the codes of the data */
export async function drawProbeSheet(
  at: EvaluatedModel,
  probes: Pick<NoteProbes, 'zones' | 'probes'>,
  id: string,
  options: Pick<ProbeOptions, 'seed'> = {},
): Promise<RgbImage> {
  const { model, dataset, evaluation } = at;
  const S = model.size;
  const { rule } = evaluation.resize;
  const found = dataset.cases.find((one) => one.id === id);
  if (found === undefined) throw new ReclmisError('STEM_UNKNOWN', `${id}: is not one of the cases`);
  const { image, mask: truth, note } = await readSample(found, S, rule);
  const { config, habits } = openRun(evaluation.run);
  const { vocabulary } = habits;
  const seed = options.seed ?? config.seed;
  const worded = at.wording.of;
  const kinds = NOTE_CHANGES.filter((kind) => probes.probes.some(({ notes }) => notes === kind));
  const transforms = new Map<NoteVariant, (text: string, id: string) => string>(
    kinds.map((one) => [one, noteVariant(one, dataset.cases, seed, { vocabulary, worded })]),
  );
  const given = runVariants(
    model,
    { ids: [id], notes: [note], images: imageToPlanes(image, S, rule) },
    transforms,
    { vocabulary: vocabulary ?? null, worded },
  );
  const { lungs, lines, sides } = probes.zones;
  const frame =
    lungs === null
      ? imageFrame(S, S, lines ?? CHEST_LINES)
      : lungFrame(await (await openLungMasks(lungs)).of(id, S, S, found));
  const right = namedZones(meaningOf(note, vocabulary));
  const tiles: Tile[] = [
    { title: 'True mask', note, mask: truth, dice: null, named: right, colour: COLOURS.skyBlue },
    ...[...given].map(([variant, [one]]): Tile => {
      const { mask, named } = one!;
      const own = transforms.get(variant)!(note, id);
      const { dice } = score(mask, truth);
      return { title: PROBE_TITLES[variant], note: own, mask, dice, named, colour: COLOURS.orange };
    }),
  ];
  return drawTiles(image, tiles, zoneMap(frame, sides), sides === 'patient' ? ['R', 'L'] : ['L', 'R']);
}

async function drawTiles(
  image: RgbImage,
  tiles: readonly Tile[],
  map: Uint8Array,
  [left, right]: readonly [string, string],
): Promise<RgbImage> {
  const rows = Math.ceil(tiles.length / COLUMNS);
  const width = COLUMNS * (TILE + GAP) + GAP;
  const height = rows * (HEAD + TILE + FOOT) + GAP;
  const place = (i: number): readonly [x: number, y: number] => [
    GAP + (i % COLUMNS) * (TILE + GAP),
    GAP / 2 + HEAD + Math.floor(i / COLUMNS) * (HEAD + TILE + FOOT),
  ];
  const parts = tiles.map((tile, i) => svgTile(tile, ...place(i), left, right));
  const sheet = await renderSvg(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">` +
      `<rect width="100%" height="100%" fill="white"/>${parts.join('')}</svg>`,
  );
  const side = image.width;
  tiles.forEach(({ mask, named, colour }, i) => {
    const zones: Mask = {
      width: side,
      height: side,
      data: map.map((bits) => (named !== null && (bits & named) !== 0 ? 1 : 0)),
    };
    const ground = overlay(resizeImage(image, TILE), resizeMask(zones, TILE), {
      colour: COLOURS.green,
      fill: 0.1,
    });
    paste(sheet, overlay(ground, resizeMask(mask, TILE), { colour }), ...place(i));
  });
  return sheet;
}

function svgTile(
  { title, note, dice, colour }: Tile,
  x: number,
  y: number,
  left: string,
  right: string,
): string {
  const below = y + TILE + 15;
  const parts = [
    `<rect x="${x}" y="${y - 18}" width="11" height="11" rx="2" fill="${css(colour)}"/>`,
    svgText(title, x + 17, y - 8, { size: 13, weight: 600 }),
    svgText(left, x, below, { size: 11, weight: 600, colour: FAINT }),
    svgText(right, x + TILE, below, { size: 11, weight: 600, colour: FAINT, anchor: 'end' }),
  ];
  if (dice !== null) {
    parts.push(
      svgText(`Dice ${dice.toFixed(3)}`, x + TILE / 2, below, {
        size: 11.5,
        anchor: 'middle',
        colour: FAINT,
      }),
    );
  }
  wrapText(note === '' ? '(no note)' : note, TILE, NOTE_SIZE, 400, 4).forEach((line, i) => {
    parts.push(svgText(line, x, below + 18 + i * NOTE_LINE, { size: NOTE_SIZE }));
  });
  return parts.join('');
}
