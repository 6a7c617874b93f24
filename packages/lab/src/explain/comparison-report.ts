/**
 * The report of the same images by several runs:
 *
 *     report.html                     a row per image, self-contained
 *     report.json                     the numbers
 *     contact-sheet-1.svg, .png ...   the rows as drawings, like the paper's Figures 7 and 8
 */
import { join } from 'node:path';
import { renderSvg, writeFileAtomic, writePngRgb } from '@reclmis/files';
import { caseSheet, imageColumn } from '../plots/case-sheet.js';
import { AGREEMENT } from '../plots/masks.js';
import { percentText } from '../plots/text.js';
import {
  type CaseColumn,
  type CaseRow,
  caseRows,
  caseRowsStyle,
  colourKey,
  type Html,
  joined,
  list,
  markup,
  page,
  paragraph,
  table,
} from '@reclmis/data';
import { ROWS_PER_SHEET } from './contact-sheet.js';
import type { ComparedCase, ComparedRun } from './compared.js';
import { enlarged } from './figures.js';

/** Grad-CAM and mask. */
const TILES = 2;
const PNG_SCALE = 2;

/** Writes page, drawings and numbers. @returns file names. @throws OUTPUT_UNWRITABLE, DISK_FULL */
export async function writeComparison(
  dir: string,
  runs: readonly ComparedRun[],
  cases: readonly ComparedCase[],
): Promise<string[]> {
  const rows = cases.flatMap((one) => rowOf(one, runs) ?? []);
  const columns = [imageColumn(rows), ...runs.map(columnOf)];
  const known = cases.some(({ results }) => results.some(({ dice }) => dice !== null));
  const title = `Explanations by ${runs.map(({ name }) => name).join(', ')}`;
  const sheets = await writeSheets(dir, title, columns, rows);
  const failed = cases.flatMap(({ error }) => (error ? [error] : []));
  const readNone = runs.flatMap(({ name, unread }) => (unread === null ? [] : `${name}: ${unread}.`));
  const html = page({
    title,
    subtitle: `${cases.length} image${cases.length === 1 ? '' : 's'}, ${runs.length} models`,
    lead: joined(readNone.length === 0 ? '' : list(readNone), runsTable(runs)),
    sections: [
      {
        id: 'cases',
        title: 'Cases',
        html: joined(
          paragraph(
            `Of each model: Grad-CAM with the predicted mask’s outline in white, and the predicted mask${known ? ' against the true one' : ' in orange, as no true mask is known'}. Each map is scaled to its own maximum: compare where maps are warm, not how strongly.`,
          ),
          known ? colourKey(AGREEMENT) : '',
          caseRows(columns, rows),
        ),
      },
      ...(failed.length === 0
        ? []
        : [
            {
              id: 'failed',
              title: 'Not explained',
              html: list(failed.map(({ code, message }) => `${code}: ${message}`)),
            },
          ]),
      { id: 'runs', title: 'Runs', html: aboutTable(runs) },
    ],
    footer: markup`Made by reclmis explain.`,
    style: caseRowsStyle(columns),
  });
  await writeFileAtomic(join(dir, 'report.html'), html);
  return [...sheets, 'report.html', ...(await writeComparisonNumbers(dir, runs, cases))];
}

/** Writes only `report.json`. @returns its name. @throws OUTPUT_UNWRITABLE, DISK_FULL */
export async function writeComparisonNumbers(
  dir: string,
  runs: readonly ComparedRun[],
  cases: readonly ComparedCase[],
): Promise<string[]> {
  const document = {
    format: 'reclmis-compared-explanations/1',
    purpose: 'For research only; not for diagnosis.',
    runs: runs.map((run) => ({ ...comparedRunToJson(run), about: run.about })),
    cases: cases.map(({ id, note, results, error }) => ({
      ...{ id, note },
      results: results.map(({ share, dice, zones, missing }, i) => ({
        ...{ run: runs[i]?.name, share, dice, gradCamZones: zones },
        ...(missing === null ? {} : { missing }),
      })),
      ...(error ? { error } : {}),
    })),
  };
  await writeFileAtomic(join(dir, 'report.json'), `${JSON.stringify(document, null, 2)}\n`);
  return ['report.json'];
}

/** A run's numbers, as `report.json` and `--json` have them. */
export function comparedRunToJson({ zones, warnings, about: _, ...run }: ComparedRun) {
  return { ...run, gradCamZones: zones, warnings: warnings.byCode };
}

async function writeSheets(
  dir: string,
  title: string,
  columns: readonly CaseColumn[],
  rows: readonly CaseRow[],
): Promise<string[]> {
  const files: string[] = [];
  for (let at = 0; at < rows.length; at += ROWS_PER_SHEET) {
    const number = at / ROWS_PER_SHEET + 1;
    const svg = caseSheet({
      title: rows.length > ROWS_PER_SHEET ? `${title}, ${number}` : title,
      subtitle: 'Per model: Grad-CAM with its mask’s outline; its mask.',
      colours: (columns[0]?.tiles ?? 0) > 1 ? AGREEMENT : [], // where a true mask is known
      columns,
      rows: rows.slice(at, at + ROWS_PER_SHEET),
    });
    const name = `contact-sheet-${number}`;
    await writeFileAtomic(join(dir, `${name}.svg`), svg);
    await writePngRgb(join(dir, `${name}.png`), await renderSvg(enlarged(svg, PNG_SCALE)));
    files.push(`${name}.svg`, `${name}.png`);
  }
  return files;
}

function columnOf({ name, title, layer, unread }: ComparedRun): CaseColumn {
  const about = `${unread === null ? '' : 'reads no note; '}layer ${layer}`;
  return { title: `${title}, ${name}`, about, tiles: TILES };
}

function rowOf({ id, note, groups }: ComparedCase, runs: readonly ComparedRun[]): CaseRow | null {
  if (groups.length === 0) return null;
  const nobody = note === '' && runs.every(({ unread }) => unread !== null); // none was asked for
  return { heading: id, note: nobody ? null : note, groups };
}

function runsTable(runs: readonly ComparedRun[]): Html {
  const percent = (value: number | null | undefined): string =>
    value === null || value === undefined ? '–' : percentText(value);
  return joined(
    table(
      [
        'run',
        { title: 'model', align: 'left' },
        { title: 'layer', align: 'left' },
        { title: 'note', align: 'left' },
        ...['Dice', 'in named zones', 'their area', 'denser', 'images'],
      ],
      runs.map(({ name, title, layer, unread, zones, dice }) => [
        ...[name, title, layer, unread === null ? 'read' : 'not read'],
        ...[dice, zones?.inside, zones?.area, zones?.denser].map(percent),
        zones?.cases ?? 0,
      ]),
    ),
    paragraph(
      'Dice: mean over the images whose true mask is known, at their own size. In named zones: the share of Grad-CAM inside the zones that the notes name, next to their share of the image, which is what an even map would have; means over the images that name zones and have a map. Denser: in how many of them the map is denser there than outside.',
    ),
  );
}

function aboutTable(runs: readonly ComparedRun[]): Html {
  const keys = [...new Set(runs.flatMap(({ about }) => Object.keys(about)))];
  return table(
    [{ title: '' }, ...runs.map(({ name }) => ({ title: name, align: 'left' as const }))],
    keys.map((key) => [key, ...runs.map(({ about }) => String(about[key] ?? 'unknown'))]),
  );
}
