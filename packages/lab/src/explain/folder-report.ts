/** The report of many cases: contact sheets as SVG and PNG, a self-contained page with links, and a list. */
import { join } from 'node:path';
import { renderSvg, writeFileAtomic, writePngRgb } from '@reclmis/files';
import { percentText } from '../plots/text.js';
import { figure, joined, markup, page, paragraph, table } from '@reclmis/data';
import type { About } from './case-report.js';
import { contactSheet, ROWS_PER_SHEET, type SheetRow } from './contact-sheet.js';
import { enlarged } from './figures.js';
import type { CamZones } from './zones.js';

export interface FolderCase {
  /** Also the case's folder in the report's. */
  readonly id: string;
  /** Predicted foreground's share of the image, 0 to 1; null if failed. */
  readonly share: number | null;
  readonly note: string | null;
  /** Null if there is nothing to measure. */
  readonly zones: CamZones | null;
  readonly error?: { readonly code: string; readonly message: string };
  readonly row: SheetRow | null;
}

const PNG_SCALE = 2;

export interface ZonesSummary {
  readonly cases: number;
  /** Means of `CamZones`' shares. */
  readonly inside: number;
  readonly area: number;
  /** Share of cases whose map is denser inside the named zones. */
  readonly denser: number;
}

/** @returns null if there is nothing to measure. */
export function summariseZones(cases: readonly Pick<FolderCase, 'zones'>[]): ZonesSummary | null {
  const found = cases.flatMap(({ zones }) => (zones ? [zones] : []));
  if (found.length === 0) return null;
  const mean = (of: (zones: CamZones) => number): number =>
    found.reduce((sum, zones) => sum + of(zones), 0) / found.length;
  return {
    cases: found.length,
    inside: mean(({ inside }) => inside),
    area: mean(({ area }) => area),
    denser: mean(({ inside, area }) => (inside > area ? 1 : 0)),
  };
}

export function zonesText({ cases, inside, area, denser }: ZonesSummary): string {
  return (
    `Grad-CAM: ${percentText(inside)} of the map lies in the zones that the note names, which are ${percentText(area)} of the image ` +
    `(means of ${cases} images); it is denser there than outside in ${percentText(denser)} of them.`
  );
}

export interface FolderAbout {
  readonly title: string;
  readonly layer: string;
  readonly about: About;
}

/** @returns the names of the files. @throws OUTPUT_UNWRITABLE, DISK_FULL */
export async function writeFolderReport(
  dir: string,
  cases: readonly FolderCase[],
  context: FolderAbout,
): Promise<string[]> {
  const { title, layer, about } = context;
  const zones = summariseZones(cases);
  const rows = cases.map(({ row }) => row).filter((row) => row !== null);
  const sheets: string[] = [];
  for (let at = 0; at < rows.length; at += ROWS_PER_SHEET) {
    const number = rows.length > ROWS_PER_SHEET ? `, ${at / ROWS_PER_SHEET + 1}` : '';
    sheets.push(contactSheet(`${title}${number}`, layer, rows.slice(at, at + ROWS_PER_SHEET)));
  }
  const files: string[] = [];
  for (const [i, svg] of sheets.entries()) {
    const name = `contact-sheet-${i + 1}`;
    await writeFileAtomic(join(dir, `${name}.svg`), svg);
    await writePngRgb(join(dir, `${name}.png`), await renderSvg(enlarged(svg, PNG_SCALE)));
    files.push(`${name}.svg`, `${name}.png`);
  }
  const link = ({ id, error }: FolderCase) =>
    error ? id : markup`<a href="${id.split('/').map(encodeURIComponent).join('/')}/report.html">${id}</a>`;
  const outcome = ({ share, error }: FolderCase): string =>
    error ? `${error.code}: ${error.message}` : share === 0 ? 'nothing' : percentText(share ?? 0);
  const html = page({
    title,
    subtitle: `${cases.length} images`,
    lead: table(
      [{ title: '' }, { title: '', align: 'left' }],
      Object.entries(about).map(([name, value]) => [name, String(value ?? 'unknown')]),
    ),
    sections: [
      {
        id: 'sheets',
        title: 'Contact sheet',
        html: joined(
          paragraph('The predicted mask is outlined in white. Each map is scaled to its own maximum.'),
          zones ? paragraph(zonesText(zones)) : '',
          sheets.map((svg, i) => figure(svg, { alt: `Contact sheet ${i + 1}` })),
        ),
      },
      {
        id: 'cases',
        title: 'Cases',
        html: table(
          [{ title: 'image' }, { title: 'predicted, of the image' }, { title: 'note', align: 'left' }],
          cases.map((one) => [link(one), outcome(one), one.note ?? '']),
        ),
      },
    ],
    footer: markup`Made by reclmis explain.`,
  });
  await writeFileAtomic(join(dir, 'report.html'), html);
  await writeFolderNumbers(dir, cases, context);
  return [...files, 'report.html', 'report.json'];
}

/** Writes only `report.json`. @throws OUTPUT_UNWRITABLE, DISK_FULL */
export async function writeFolderNumbers(
  dir: string,
  cases: readonly FolderCase[],
  { layer, about }: FolderAbout,
): Promise<void> {
  const document = {
    format: 'reclmis-explanations/1',
    about,
    layer,
    gradCamZones: summariseZones(cases),
    cases: cases.map(({ id, share, note, zones: own, error }) => ({
      id,
      share,
      note,
      gradCamZones: own,
      ...(error ? { error } : { report: `${id}/report.json` }),
    })),
  };
  await writeFileAtomic(join(dir, 'report.json'), `${JSON.stringify(document, null, 2)}\n`);
}
