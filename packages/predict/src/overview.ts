/** A picture of an image next to its classes in their colours, above a legend. */
import { type Mask, overlay, resizeImage, type Rgb, type RgbImage, type SegmentClass } from '@reclmis/core';
import { FAINT, renderSvg, svgText, textWidth, wrapText } from '@reclmis/files';

/** A class and what it won. */
interface Coloured {
  readonly class: Pick<SegmentClass, 'name' | 'label' | 'colour'>;
  readonly mask: Mask;
}

/** Sides in pixels of a panel: smaller images are enlarged by whole numbers, larger ones shrunk. */
const LEAST = 320;
const MOST = 800;
const GAP = 8;
const MARGIN = 12;
const LINE = 22;
const SWATCH = 12;
const FONT = 13;

/** @returns white around two panels of one size, the legend below */
export async function classOverview(image: RgbImage, classes: readonly Coloured[]): Promise<RgbImage> {
  const plain = panelOf(image);
  let drawn = image;
  for (const { mask, class: one } of classes) drawn = overlay(drawn, mask, { colour: one.colour });
  const coloured = panelOf(drawn);
  const width = 2 * MARGIN + 2 * plain.width + GAP;
  const legend = await renderSvg(legendSvg(classes, width));
  const top = MARGIN + plain.height;
  const data = new Uint8Array(width * (top + legend.height) * 3).fill(255); // [H, W, 3]
  const paste = ({ width: w, height: h, data: from }: RgbImage, x: number, y: number): void => {
    for (let row = 0; row < h; row++)
      data.set(from.subarray(row * w * 3, (row + 1) * w * 3), ((y + row) * width + x) * 3);
  };
  paste(plain, MARGIN, MARGIN);
  paste(coloured, MARGIN + plain.width + GAP, MARGIN);
  paste(legend, 0, top);
  return { width, height: top + legend.height, data };
}

function panelOf(image: RgbImage): RgbImage {
  const { width, height } = image;
  const longest = Math.max(width, height);
  if (longest > MOST) {
    const side = (length: number): number => Math.max(1, Math.round((length * MOST) / longest));
    return resizeImage(image, side(width), side(height));
  }
  const times = Math.max(1, Math.ceil(LEAST / longest));
  return enlarged(image, times);
}

/** Each pixel as a square: edges of masks stay where they are. */
function enlarged(image: RgbImage, times: number): RgbImage {
  if (times === 1) return image;
  const [width, height] = [image.width * times, image.height * times];
  const data = new Uint8Array(width * height * 3);
  for (let y = 0, to = 0; y < height; y++) {
    const row = Math.floor(y / times) * image.width;
    for (let x = 0; x < width; x++, to += 3) {
      const from = (row + Math.floor(x / times)) * 3;
      data[to] = image.data[from] as number;
      data[to + 1] = image.data[from + 1] as number;
      data[to + 2] = image.data[from + 2] as number;
    }
  }
  return { width, height, data };
}

/** A swatch, the name and the share of the image for each class, in as many columns as fit. */
function legendSvg(classes: readonly Coloured[], width: number): string {
  const texts = classes.map(({ class: { name, label }, mask }) => {
    const share = mask.data.reduce((sum, value) => sum + value, 0) / mask.data.length;
    return { name, more: `label ${label}, ${(100 * share).toFixed(share > 0 && share < 0.001 ? 3 : 1)} %` };
  });
  const room = width - 2 * MARGIN;
  const before = SWATCH + 8;
  const wide = ({ name, more }: (typeof texts)[number]): number => before + textWidth(name, FONT) + 10 + textWidth(more, FONT) + 24; // prettier-ignore
  const column = Math.min(room, Math.max(...texts.map(wide)));
  const columns = Math.max(1, Math.floor(room / column));
  const parts = texts.map((text, i) => {
    const x = MARGIN + (i % columns) * column;
    const y = MARGIN + Math.floor(i / columns) * LINE;
    const most = column - before - 10 - textWidth(text.more, FONT);
    const [name = ''] = wrapText(text.name, Math.max(20, most), FONT, 400, 1);
    const colour = classes[i]?.class.colour ?? [0, 0, 0];
    return [
      `<rect x="${x}" y="${y}" width="${SWATCH}" height="${SWATCH}" fill="${css(colour)}"/>`,
      svgText(name, x + before, y + SWATCH - 1, { size: FONT }),
      svgText(text.more, x + before + textWidth(name, FONT) + 10, y + SWATCH - 1, { size: FONT, colour: FAINT }), // prettier-ignore
    ].join('');
  });
  const height = 2 * MARGIN + Math.ceil(texts.length / columns) * LINE - (LINE - SWATCH);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${parts.join('')}</svg>`;
}

const css = ([red, green, blue]: Rgb): string => `rgb(${red},${green},${blue})`;
