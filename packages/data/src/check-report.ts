/**
 * The page of a check: each suspicion with some cases, the mask outlined in orange, what would fit better in
 * sky blue. It shows pictures and notes: keep it with the data.
 */
import { COLOURS, type Mask, overlay, resizeImage, resizeMask, type RgbImage, WARNINGS } from '@reclmis/core';
import { encodePng, mapLimit, readImage, writeFileAtomic } from '@reclmis/files';
import { imageOptions } from './image-options.js';
import { gallery, joined, list, page, paragraph, picture, table, type Html } from './report/index.js';
import type { DatasetReport } from './check.js';
import { readCaseMask } from './masks.js';
import type { Split } from './types.js';
import { TURN_WORDS, turnMask } from './suspect/turns.js';
import type { Subject, SuspectCase, Suspicion } from './suspect/types.js';

/** Per suspicion; all are named. */
const DRAWN = 6;
const LISTED = 60;
/** Pixels. */
const SIDE = 256;
const LANES = 2;

type Reported = Pick<DatasetReport, 'dir' | 'splits' | 'problems' | 'suspicions'>;

/** @throws OUTPUT_UNWRITABLE, DISK_FULL */
export async function writeCheckReport(
  path: string,
  report: Reported,
  subjects: readonly Subject[],
): Promise<void> {
  await writeFileAtomic(path, await checkPage(report, subjects));
}

async function checkPage(
  { dir, splits, problems, suspicions }: Reported,
  subjects: readonly Subject[],
): Promise<string> {
  const byPlace = new Map(subjects.map((one) => [`${one.split} ${one.id}`, one]));
  const find = ({ split, id }: { split: Split; id: string }): Subject | undefined =>
    byPlace.get(`${split} ${id}`);
  const cases = splits.map(({ split, cases: count }) => `${count} ${split}`).join(', ');
  const sections = [];
  for (const [i, one] of suspicions.entries())
    sections.push({ id: `suspicion-${i + 1}`, title: `${one.code}: ${one.count}`, html: await section(one, find) }); // prettier-ignore
  if (problems.length > 0) {
    const messages = problems.map(({ code, message }) => `${code}: ${message}`);
    sections.push({ id: 'problems', title: `Problems: ${problems.length}`, html: list(messages) });
  }
  return page({
    title: `Check of ${dir}`,
    subtitle: `${cases} cases; ${suspicions.length} suspicion${suspicions.length === 1 ? '' : 's'}, ${problems.length} problem${problems.length === 1 ? '' : 's'}`,
    lead:
      suspicions.length + problems.length === 0
        ? paragraph('No problems found.')
        : paragraph('Orange outlines the mask as it is, sky blue the version that would fit better.'),
    sections,
    footer: 'Made by reclmis data check. Each code is explained in docs/reference/warnings.md.',
  });
}

async function section(
  one: Suspicion,
  find: (place: { split: Split; id: string }) => Subject | undefined,
): Promise<Html> {
  const { meaning, remedy } = WARNINGS[one.code];
  const drawn = one.cases.slice(0, DRAWN);
  const pictures = await mapLimit(drawn, LANES, async (suspect): Promise<Html[]> => {
    const subject = find(suspect);
    if (subject === undefined) return [];
    const other = suspect.other === undefined ? undefined : find(suspect.other);
    return [await drawnCase(subject, suspect), ...(other === undefined ? [] : [await drawnCase(other)])];
  });
  const rows = one.cases
    .slice(0, LISTED)
    .map(({ split, id, why = '', other }) => [
      id,
      split,
      other === undefined ? why : `${why === '' ? '' : `${why}; `}${other.split} ${other.id}`,
    ]);
  const rest = one.cases.length - rows.length;
  return joined(
    paragraph(one.message),
    paragraph(`${meaning} ${remedy}`),
    gallery(...pictures.flat()),
    table(['case', { title: 'split', align: 'left' }, { title: 'what', align: 'left' }], rows),
    rest > 0 ? paragraph(`And ${rest} more, listed by --json.`) : '',
  );
}

async function drawnCase(subject: Subject, suspect?: SuspectCase): Promise<Html> {
  const image = await readImage(subject.imagePath, imageOptions(subject));
  const mask = (await readCaseMask(subject)).mask;
  const turn = suspect?.turn;
  const better = turn === undefined ? null : turnMask(mask, turn);
  const png = await encodePng(outlined(image, mask, better), 3);
  const turned = turn === undefined ? '' : `; it would fit ${TURN_WORDS[turn]}`;
  return picture(png, {
    alt: `${subject.split} ${subject.id} with the outline of its mask${turned}`,
    caption: `${subject.split} ${subject.id}: ${subject.note}`,
  });
}

function outlined(image: RgbImage, mask: Mask, better: Mask | null): RgbImage {
  const scale = SIDE / Math.max(image.width, image.height);
  const [width, height] = [image.width, image.height].map((n) => Math.max(1, Math.round(n * scale))) as [number, number]; // prettier-ignore
  const lines = { fill: 0, contour: 2 };
  let out = overlay(resizeImage(image, width, height), resizeMask(mask, width, height), lines);
  if (better !== null)
    out = overlay(out, resizeMask(better, width, height), { ...lines, colour: COLOURS.skyBlue });
  return out;
}
