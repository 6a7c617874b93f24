/** Draws a model's attention: a single map large, next to the image; several as tiles. */
import type { Mask, RgbImage } from '@reclmis/core';
import { displayImage } from '../plots/masks.js';
import type { AttentionPart } from './attention-maps.js';
import type { ReadNote } from './explain.js';
import { mapFigure, outlined, patchesOver, tileFigure, wordFigure } from './figures.js';

/** SVG by name: the part's, and its words' if any. */
export async function attentionPartFigures(
  id: string,
  image: RgbImage,
  mask: Mask,
  note: ReadNote | null,
  { name, title, about, unit, maps, words }: AttentionPart,
): Promise<Map<string, string>> {
  const figures = new Map<string, string>();
  const max = maps.reduce((most, { values }) => Math.max(most, ...values), 0);
  const heading = `${title}, ${id}`;
  const [only, second] = maps;
  if (only && !second) {
    const shown = displayImage(image);
    const panels = [
      { label: 'image, predicted mask outlined', image: outlined(shown, mask) },
      { label: only.label, image: patchesOver(shown, only, max) },
    ];
    figures.set(
      name,
      await mapFigure({ title: heading, captions: [about], panels, bar: { max, label: unit } }),
    );
  } else if (only) {
    const small = displayImage(image, 168);
    const tiles = maps.map((map) => ({ label: map.label, image: patchesOver(small, map, max) }));
    figures.set(name, await tileFigure(heading, [about], tiles, { max, label: unit }));
  }
  if (words && note)
    figures.set(
      `${name}-words`,
      wordFigure(`${title}: words, ${id}`, [about], note, words, 'weight of the word'),
    );
  return figures;
}
