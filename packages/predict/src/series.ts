/**
 * One file for all slices of a series: DICOM SEG and SR, NIfTI, NRRD, and measures, made of the cases' masks once all are written.
 *
 * Cases of one DICOM series, or of one volume, belong together. A slice that failed has no frame in a SEG; volume formats
 * cannot say so, and are then left out. A file that cannot even be read may belong to any series in its folder.
 */
import { createHash } from 'node:crypto';
import { readdir, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Mask, ReclmisError, type SegmentClass } from '@reclmis/core';
import type {
  FrameGeometry,
  MeasuredSegment,
  Measures,
  SegSegment,
  SeriesSeg,
  VolumeGrid,
} from '@reclmis/clinical';
import {
  imageStem,
  isPictureName,
  mapLimit,
  readClinicalFrame,
  readLabels,
  readMask,
  writeError,
  writeFileAtomic,
} from '@reclmis/files';
import { LANES, shownAs } from './batches.js';
import type { PredictionCase } from './cases.js';
import { type KeptSlices, placeOf, type SlicePlace } from './kept-slices.js';
import { type NamedSegment, segmentsOf, suffixOfMask } from './segments.js';
import type { ModelIdentity } from './segmenter.js';

export const SERIES_FORMATS = ['seg', 'seg-fractional', 'sr', 'nifti', 'nrrd', 'measures'] as const;
export type SeriesFormat = (typeof SERIES_FORMATS)[number];

export interface SeriesPlan {
  readonly cases: readonly PredictionCase[];
  readonly out: string;
  readonly model: Pick<ModelIdentity, 'name'>;
  readonly classes?: readonly SegmentClass[];
  /** Whether results of an earlier run are replaced; else a file that is there is refused. */
  readonly replace: boolean;
  readonly formats: readonly SeriesFormat[];
  /** Whether a case's masks are there. */
  readonly isDone: (id: string) => boolean;
  /** Those segmented by this process; others are read from their files. */
  readonly kept?: Pick<KeptSlices, 'of'>;
}

export interface WrittenSeries {
  /** Names below the output folder. */
  readonly files: readonly string[];
  readonly slices: number;
  /** Slices without a mask, since they failed, and files in the folder that could not be read. */
  readonly missing: number;
  /** What was asked for and left out, each with its reason. */
  readonly left: readonly string[];
  /** What other software may make of a file; absent if nothing is known. */
  readonly advice?: readonly string[];
}

/** A slice with its case; `done`: its mask is there. */
interface Slice extends SlicePlace {
  readonly one: PredictionCase;
  readonly done: boolean;
}

const ENDINGS: Readonly<Record<SeriesFormat, readonly string[]>> = {
  seg: ['_seg.dcm'],
  'seg-fractional': ['_seg-fractional.dcm'],
  sr: ['_sr.dcm'],
  nifti: ['_seg.nii.gz'],
  nrrd: ['.seg.nrrd'],
  measures: ['_measures.json', '_measures.csv'],
};

/** How names of series' files end. Where images differ in size, a second SEG is `NAME_seg-2.dcm`. */
export const SERIES_ENDING =
  /(?:_(?:seg(?:-fractional)?|sr)(?:-\d+)?\.dcm|_seg\.nii\.gz|\.seg\.nrrd|_measures\.(?:json|csv))$/u;

/**
 * Writes what is asked for, for each series.
 * @throws OUTPUT_EXISTS, OUTPUT_UNWRITABLE, DISK_FULL
 */
export async function writeSeries(plan: SeriesPlan): Promise<WrittenSeries[]> {
  const written: WrittenSeries[] = [];
  for (const series of await seriesOf(plan)) written.push(await writeOne(plan, series));
  return written;
}

interface Series {
  /** Path below the output folder, without ending. */
  readonly name: string;
  readonly slices: readonly Slice[];
  /** Files in the folder that may belong to it. */
  readonly unread: number;
}

/** In the order of their first case. A DICOM file that states no series is one by itself. */
async function seriesOf({ cases, isDone, kept }: SeriesPlan): Promise<Series[]> {
  const groups = new Map<string, Slice[]>();
  const unread = new Map<string, number>();
  for (const one of cases) {
    const slice = await sliceOf(one, isDone(one.id), kept);
    const folder = dirname(one.image);
    if (slice === 'unread') unread.set(folder, (unread.get(folder) ?? 0) + 1);
    if (slice === 'unread' || slice === null) continue;
    const { series = '' } = one;
    const key = series === '' ? one.imagePath : `${folder}\n${series}`;
    groups.set(key, [...(groups.get(key) ?? []), slice]);
  }
  const taken = new Set(cases.map(({ id }) => id));
  return [...groups.values()].map((own) => {
    const slices = own.sort((a, b) => (a.one.slice ?? 0) - (b.one.slice ?? 0)); // stable
    const [first] = slices as [Slice];
    const files = new Set(slices.map(({ one }) => one.imagePath));
    if (files.size === 1) return { name: imageStem(first.one.image), slices, unread: 0 };
    const folder = dirname(first.one.image);
    const name = join(
      folder,
      nameOfSeries(first.one.series ?? '', (short) => taken.has(join(folder, short))),
    );
    taken.add(name);
    return { name, slices, unread: unread.get(folder) ?? 0 };
  });
}

/**
 * The same in each run, whatever lies next to the series, and no UID: digits of a hash.
 * @param isTaken by an image of that name, or another series
 */
function nameOfSeries(uid: string, isTaken: (name: string) => boolean): string {
  const hash = createHash('sha256').update(uid).digest('hex');
  const digits = Array.from({ length: 8 }, (_, i) => 8 * (i + 1));
  const names = digits.map((length) => `series-${hash.slice(0, length)}`);
  return names.find((name) => !isTaken(name)) ?? `series-${hash}`;
}

/** Null for a picture; `unread` for a file that is a failed case already. */
async function sliceOf(
  one: PredictionCase,
  done: boolean,
  kept: SeriesPlan['kept'],
): Promise<Slice | 'unread' | null> {
  const known = kept?.of(one.id);
  if (known) return { one, done, ...known.place };
  const clinical = await readClinicalFrame(one.imagePath, shownAs(one)).catch(() => 'unread' as const);
  if (clinical === null) return null;
  if (clinical === 'unread') return isPictureName(one.imagePath) ? null : 'unread';
  return { one, done, ...(await placeOf(clinical)) };
}

async function writeOne(
  { out, model, classes, replace, formats, kept }: SeriesPlan,
  { name, slices, unread }: Series,
): Promise<WrittenSeries> {
  const clinical = await import('@reclmis/clinical');
  const missing = slices.filter(({ done }) => !done).length + unread;
  const { frames = slices.length } = slices[0]?.one ?? {};
  const isFile = new Set(slices.map(({ one }) => one.imagePath)).size === 1;
  const unasked = isFile ? frames - slices.length : 0;
  const files: string[] = [];
  const left: string[] = [];
  const advice: string[] = [];
  const save = async (ending: string, data: Uint8Array | string): Promise<void> => {
    const path = join(out, `${name}${ending}`);
    if (!replace && (await stat(path).catch(() => null)) !== null)
      throw new ReclmisError('OUTPUT_EXISTS', `${path}: would be overwritten by a series’ results`);
    await writeFileAtomic(path, data);
    files.push(`${name}${ending}`);
  };
  const remarks = [
    ...(missing > 0 ? [remarkOn(missing)] : []),
    ...(unasked > 0 ? [remarkOnUnasked(unasked)] : []),
  ];
  let binary: readonly SeriesSeg[] = [];
  const segments = segmentsOf(classes);
  const masks = await Promise.all(
    segments.map((one, s) => masksOf(out, slices, one, (id) => kept?.of(id)?.masks?.[s])),
  );
  if (slices.some(({ dicom, one }) => dicom !== null && (one.series ?? '') === ''))
    advice.push(`${name}: the file states no series, so its results are by themselves`);
  for (const format of formats) {
    const [ending = ''] = ENDINGS[format];
    try {
      if (format === 'seg' || format === 'seg-fractional') {
        const sources = slices.flatMap(({ dicom }) => dicom ?? []);
        if (sources.length < slices.length) {
          left.push(`${name}${ending}: a SEG refers to DICOM images, and these are NIfTI`);
          continue;
        }
        const kind = format === 'seg' ? ('binary' as const) : ('fractional' as const);
        const each = await Promise.all(
          segments.map(async (one, s): Promise<SegSegment> => ({
            ...one.coded,
            frames: kind === 'binary' ? (masks[s] ?? []) : await probabilitiesOf(out, slices, one),
          })),
        );
        if (each.every(({ frames }) => frames.every((frame) => frame === null))) {
          left.push(`${name}${ending}: no slice was segmented`);
          continue;
        }
        const options = { sources, segments: each, kind, algorithm: clinical.algorithmName(model.name) };
        const segs = clinical.writeSegs(options);
        if (kind === 'binary') binary = segs;
        for (const [i, { bytes, frames }] of segs.entries()) {
          const own = numbered(ending, i);
          if (kind === 'binary') advice.push(...adviceOn(`${name}${own}`, masks.flatMap((one) => frames.map((at) => one[at] ?? null)))); // prettier-ignore
          await save(own, bytes);
        }
      } else if (format === 'sr') {
        if (binary.length === 0) {
          left.push(`${name}${ending}: a report refers to a binary SEG, and there is none`);
          continue;
        }
        let reports: string | undefined;
        for (const [i, written] of binary.entries()) {
          const geometry = written.frames.map((at) => geometryAsked(slices[at]!));
          const report = clinical.writeSr({ geometry, seg: written.options, written, remarks, instanceNumber: i + 1, ...(reports !== undefined && { series: reports }) }); // prettier-ignore
          reports = report.series;
          await save(numbered(ending, i), report.bytes);
        }
      } else if (format === 'measures') {
        const measured = segments.map((one, s): MeasuredSegment => ({
          ...{ name: one.name, value: one.value },
          masks: masks[s] ?? [],
        }));
        const found = renumbered(clinical.measure(slices.map(geometryAsked), measured), slices);
        const measures = { ...found, remarks: [...found.remarks, ...remarks] };
        await save('_measures.json', clinical.measuresJson(measures));
        await save('_measures.csv', clinical.measuresCsv(measures));
      } else if (missing > 0) {
        left.push(
          `${name}${ending}: ${missing} of ${slices.length + unread} slices failed, which the format cannot show`,
        );
      } else {
        const { grid, maps } = await volumeOf(slices, labelled(masks, segments));
        if (format === 'nifti') await save(ending, clinical.writeNifti(maps, grid));
        else await save(ending, clinical.writeNrrd(maps, segments, grid));
        if (maps.length > slices.length)
          advice.push(
            `${name}${ending}: ${maps.length - slices.length} of ${maps.length} slices have no note and are empty`,
          );
      }
    } catch (error) {
      if (!(error instanceof ReclmisError) || !LEAVING.has(error.code)) throw error;
      left.push(`${name}${ending}: ${error.message}`);
    }
  }
  if (replace) await removeLeft(out, name, formats, files);
  return { files, slices: slices.length, missing, left, ...(advice.length > 0 ? { advice } : {}) };
}

/** `_seg.dcm`, `_seg-2.dcm`. @param i from 0 */
const numbered = (ending: string, i: number): string =>
  i === 0 ? ending : ending.replace('.dcm', `-${i + 1}.dcm`);

/** DCMTK's reader, and with it 3D Slicer's, takes each frame of bits to begin with a byte; the standard does not. */
function adviceOn(file: string, frames: readonly (Mask | null)[]): string[] {
  const there = frames.filter((frame) => frame !== null);
  const { width = 0, height = 0 } = there[0] ?? {};
  if (there.length < 2 || (width * height) % 8 === 0) return [];
  return [
    `${file}: ${width} x ${height} is no multiple of 8 pixels, and some viewers (those that read with DCMTK, such as 3D Slicer) then misread all frames but the first; --format seg-fractional is read right`,
  ];
}

/** What an earlier run wrote and this one leaves out would be taken for its result. */
async function removeLeft(
  out: string,
  name: string,
  formats: readonly SeriesFormat[],
  files: readonly string[],
): Promise<void> {
  const folder = dirname(name);
  const endings = formats.flatMap((format) => ENDINGS[format]);
  for (const file of await readdir(join(out, folder)).catch(() => [])) {
    const path = join(folder, file);
    if (!path.startsWith(name) || files.includes(path)) continue;
    if (!endings.includes(path.slice(name.length).replace(/-\d+\.dcm$/u, '.dcm'))) continue;
    await rm(join(out, path), { force: true }).catch((error: unknown) => {
      throw writeError(join(out, path), error);
    });
  }
}

const remarkOn = (missing: number): string =>
  `${missing === 1 ? 'A slice' : `${missing} slices`} failed and ${missing === 1 ? 'counts' : 'count'} as empty, so areas and volumes may be too small.`;

/** What `--spacing` states wins over the file's own pixel size. */
function geometryAsked({ one: { spacing }, geometry }: Slice): FrameGeometry {
  if (spacing === null) return geometry;
  const [width, height] = spacing;
  return { ...geometry, pixel: { width, height, at: 'patient' } };
}

/** Frames by their numbers in the volume or series, some of which may have been left out. */
function renumbered(measures: Measures, slices: readonly Slice[]): Measures {
  const numbers = slices.map(({ one }) => one.slice);
  const distinct = new Set(numbers).size === numbers.length; // not for several files of several frames
  const numberOf = (frame: number): number => (distinct ? numbers[frame - 1] : undefined) ?? frame;
  const segments = measures.segments.map((segment) => ({
    ...segment,
    frames: segment.frames.map((one) => ({ ...one, frame: numberOf(one.frame) })),
  }));
  return { ...measures, segments };
}

const remarkOnUnasked = (unasked: number): string =>
  `${unasked === 1 ? 'A slice' : `${unasked} slices`} had no note and ${unasked === 1 ? 'is' : 'are'} not measured.`;

/** Reasons to leave out a format and go on with the next. */
const LEAVING: ReadonlySet<string> = new Set([
  'SLICES_IRREGULAR',
  'IMAGE_UNSUPPORTED',
  'IMAGE_TOO_LARGE',
  'MASK_SIZE_MISMATCH',
  'OPTION_INVALID',
]);

/** As stored; null for slices that failed. @param known in memory, by id */
function masksOf(
  out: string,
  slices: readonly Slice[],
  one: NamedSegment,
  known: (id: string) => Mask | undefined,
): Promise<(Mask | null)[]> {
  return mapLimit(slices, LANES, async ({ one: { id }, done }) =>
    done ? (known(id) ?? readMask(join(out, `${id}${suffixOfMask(one)}`))) : null,
  );
}

/** 0 to 255, from probabilities of 16 bits. */
function probabilitiesOf(out: string, slices: readonly Slice[], one: NamedSegment): Promise<(Mask | null)[]> {
  return mapLimit(slices, LANES, async ({ one: { id }, done }) => {
    if (!done) return null;
    const path = join(out, `${id}${suffixOfMask(one).replace('_mask', '_probability')}`);
    const { width, height, data: deep } = await readLabels(path);
    const data = new Uint8Array(deep.length);
    for (let p = 0; p < data.length; p++) data[p] = Math.round(deep[p]! / 257);
    return { width, height, data };
  });
}

/** One map of values per slice; masks of classes do not overlap. */
function labelled(masks: readonly (readonly (Mask | null)[])[], segments: readonly NamedSegment[]): Mask[] {
  const [first = []] = masks;
  return first.map((_, i): Mask => {
    const { width = 0, height = 0 } = first[i] ?? {};
    const data = new Uint8Array(width * height);
    for (const [s, { value }] of segments.entries())
      masks[s]?.[i]?.data.forEach((own, p) => {
        if (own > 0) data[p] = value;
      });
    return { width, height, data };
  });
}

/** Maps in the grid's order. @throws SLICES_IRREGULAR */
async function volumeOf(
  slices: readonly Slice[],
  maps: readonly Mask[],
): Promise<{ grid: VolumeGrid; maps: readonly Mask[] }> {
  const { gridOfSlices } = await import('@reclmis/clinical');
  const own = slices[0]?.grid;
  if (own) {
    const [width, height, depth] = own.size;
    const empty = { width, height, data: new Uint8Array(width * height) };
    const byFrame = new Map(slices.map(({ frame }, i) => [frame, maps[i]]));
    const all = Array.from({ length: depth }, (_, frame) => byFrame.get(frame) ?? empty);
    return { grid: own, maps: all };
  }
  const { width = 0, height = 0 } = maps[0] ?? {};
  const { grid, order } = gridOfSlices(
    slices.map(({ geometry }) => geometry),
    width,
    height,
  );
  return { grid, maps: order.map((i) => maps[i]!) };
}
