/** Targets with tables: a table of cases, Hugging Face's image folder, LViT's layout. */
import { encodeCsv } from '@reclmis/core';
import { encodeWorkbook, DERIVED } from '@reclmis/files';
import { FOLDERS } from '../layouts/lvit.js';
import { type Case, SPLITS } from '../types.js';
import { counted, lostColumns, type Placed, type Target } from './target.js';

const spacingText = ({ spacing }: Case): string => (spacing === undefined ? '' : spacing.join('x'));

/** Optional columns that a case has. */
const OPTIONAL = {
  class: ({ class: name = '' }: Case) => name,
  // Slices become images of their own, which only this holds together.
  patient: ({ patient, volumeId = '' }: Case) => patient ?? volumeId,
  spacing: spacingText,
  sides: ({ sides }: Case) => sides ?? '',
  source: ({ derived }: Case) => (derived === true ? DERIVED : ''),
} as const;

/** Rows with a head, and those optional columns that are not empty. */
function tableOf(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  cases: readonly Placed[],
): (readonly string[])[] {
  const columns = (Object.keys(OPTIONAL) as (keyof typeof OPTIONAL)[]).filter((column) =>
    cases.some(({ one }) => OPTIONAL[column](one) !== ''),
  );
  const more = cases.map(({ one }) => columns.map((column) => OPTIONAL[column](one)));
  return [[...head, ...columns], ...rows.map((row, i) => [...row, ...(more[i] ?? [])])];
}

export const TABLE_TARGET: Target = {
  losses: () => [],
  write: async (cases, { copyImage, writeMask, writeText, each }) => {
    const rows = await each(cases, async (placed) => [
      await copyImage(placed, 'images'),
      await writeMask(placed, `masks/${placed.name}.png`),
      placed.one.note,
      placed.split,
    ]);
    await writeText('cases.csv', encodeCsv(tableOf(['image', 'mask', 'note', 'split'], rows, cases)));
  },
};

const HUGGING_FACE_FOLDERS = { train: 'train', val: 'validation', test: 'test' } as const;

export const HUGGING_FACE_TARGET: Target = {
  losses: () => [],
  write: async (cases, { copyImage, writeMask, writeText, each }) => {
    for (const split of SPLITS) {
      const own = cases.filter((placed) => placed.split === split);
      if (own.length === 0) continue;
      const folder = HUGGING_FACE_FOLDERS[split];
      const rows = await each(own, async (placed) => [
        (await copyImage(placed, `${folder}/images`)).slice(folder.length + 1),
        (await writeMask(placed, `${folder}/masks/${placed.name}.png`)).slice(folder.length + 1),
        placed.one.note,
      ]);
      await writeText(`${folder}/metadata.csv`, encodeCsv(tableOf(['file_name', 'mask_file_name', 'note'], rows, own))); // prettier-ignore
    }
  },
};

/** An image with several notes is copied for each. */
export const LVIT_TARGET: Target = {
  losses: (cases) => {
    const copied = new Set(cases.filter(({ one }) => one.imageId !== undefined).map(({ image }) => image))
      .size;
    return [
      ...lostColumns(cases, ['class', 'patient', 'sides']),
      ...(copied === 0
        ? []
        : [`The layout has one note an image: ${counted(copied, 'image')} with several became copies, which a later split may put on both sides.`]), // prettier-ignore
    ];
  },
  write: async (cases, { copyImage, writeMask, writeText, each }) => {
    for (const split of SPLITS) {
      const own = cases.filter((placed) => placed.split === split);
      if (own.length === 0) continue;
      const folder = FOLDERS[split];
      const rows = await each(own, async (placed) => {
        const { name, one } = placed;
        await copyImage(placed, `${folder}/img`, { name });
        await writeMask(placed, `${folder}/labelcol/${name}.png`);
        return [`${name}.png`, one.note, spacingText(one), one.derived === true ? DERIVED : ''];
      });
      const head = ['Image', 'Description', 'Spacing', 'Source'];
      const used = head.map((_, i) => i < 2 || rows.some((row) => row[i] !== ''));
      const table = [head, ...rows].map((row) => row.filter((_, i) => used[i]));
      await writeText(`${folder}/${folder.replace('Folder', 'text')}.xlsx`, await encodeWorkbook(table));
    }
  },
};
