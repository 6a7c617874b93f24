/**
 * The report of one case, in its own folder: its files are in docs/guide/explain.md. Page and numbers name
 * what the model does not have; it gets no figure.
 */
import { join } from 'node:path';
import { foregroundShare, groupLabel, type RgbImage } from '@reclmis/core';
import { renderSvg, writeFileAtomic, writePngRgb } from '@reclmis/files';
import { displayImage } from '../plots/masks.js';
import { percentText } from '../plots/text.js';
import {
  figure,
  joined,
  list,
  markup,
  page,
  paragraph,
  type ReportSection,
  table,
  warning,
} from '@reclmis/data';
import { type InteractionAttention, meanOverHeads } from './attention.js';
import { isMaps } from './attention-maps.js';
import { attentionPartFigures } from './attention-figures.js';
import type { Explanation, ReadNote } from './explain.js';
import { camOver, enlarged, mapFigure, outlined, patchesOver, tileFigure, wordFigure } from './figures.js';
import type { Target } from './grad-cam.js';
import { isMissing } from './interest.js';
import { attentionPicker, meanOfRows, MOST_PATCHES, pickerStyle } from './picker.js';
import { explanationToJson } from './report-json.js';
import type { CamZones } from './zones.js';

export interface ExplainedCase {
  /** For people. */
  readonly id: string;
  readonly image: RgbImage;
  readonly explanation: Explanation;
}

/** E.g. run, checkpoint and versions. */
export type About = Readonly<Record<string, string | number | null>>;

/** Name -> SVG. */
export type Figures = ReadonlyMap<string, string>;

/** PNGs have twice the figure's pixels. */
const PNG_SCALE = 2;

const TARGETS: Readonly<Record<Target['kind'], string>> = {
  predicted: 'the predicted foreground',
  all: 'all pixels',
  pixel: 'the chosen pixel',
  mask: 'the given mask',
};

/** @returns the names of the files. @throws OUTPUT_UNWRITABLE, DISK_FULL */
export async function writeCaseReport(dir: string, one: ExplainedCase, about: About): Promise<string[]> {
  const figures = await caseFigures(one);
  for (const [name, svg] of figures) {
    await writeFileAtomic(join(dir, `${name}.svg`), svg);
    await writePngRgb(join(dir, `${name}.png`), await renderSvg(enlarged(svg, PNG_SCALE)));
  }
  await writeFileAtomic(join(dir, 'report.html'), await casePage(one, figures, about));
  await writeCaseNumbers(dir, one, about);
  const names = [...figures.keys()].flatMap((name) => [`${name}.svg`, `${name}.png`]);
  return [...names, 'report.html', 'report.json'];
}

/** Writes only `report.json`. @throws OUTPUT_UNWRITABLE, DISK_FULL */
export async function writeCaseNumbers(dir: string, one: ExplainedCase, about: About): Promise<void> {
  const { width, height } = one.image;
  const document = {
    format: 'reclmis-explanation/1',
    about,
    case: { id: one.id, width, height },
    ...explanationToJson(one.explanation),
  };
  await writeFileAtomic(join(dir, 'report.json'), `${JSON.stringify(document)}\n`);
}

export async function caseFigures({ id, image, explanation }: ExplainedCase): Promise<Figures> {
  const { gradCam, zones, sides, poi, woi, attention, note, mask, grid, target } = explanation;
  const marks = zones && sides !== 'unknown' ? { sides } : {}; // if the image has sides, by its note
  const shown = displayImage(image);
  const figures = new Map<string, string>();
  const said = note ? [`Note: ${note.text === '' ? '(empty)' : note.text}`] : ['The model reads no note.'];
  if (!isMissing(gradCam)) {
    const { layer, side, channels, pixels, values } = gradCam;
    const svg = await mapFigure({
      ...marks,
      title: `Grad-CAM of ${id}`,
      panels: [
        { label: 'image, predicted mask outlined', image: outlined(shown, mask) },
        {
          label: `layer ${layer}, ${side} x ${side}, ${channels} channels`,
          image: camOver(shown, gradCam, mask),
        },
      ],
      bar: { max: Math.max(...values), label: 'Grad-CAM, logits' },
      captions: [
        ...said,
        `Target: the sum of the logits of ${TARGETS[target]} (${pixels} pixels at ${explanation.size} x ${explanation.size}). Each image has its own scale.`,
        ...(zones ? [describeZones(zones)] : []),
      ],
    });
    figures.set('grad-cam', svg);
  }
  if (!isMissing(poi)) {
    const max = Math.max(...poi.values);
    const even = 1 / poi.values.length;
    const svg = await mapFigure({
      ...marks,
      title: `Patches of interest (POI) of ${id}`,
      panels: [
        { label: 'image, predicted mask outlined', image: outlined(shown, mask) },
        {
          label: `${grid} x ${grid} patches`,
          image: patchesOver(shown, { side: grid, values: poi.values }, max),
        },
      ],
      bar: { max, label: 'probability of the patch', mark: { value: even, label: 'even' } },
      captions: [
        ...said,
        `The probabilities sum to 1; the mark on the bar is ${even.toPrecision(3)}, the value if all patches were equal.`,
      ],
    });
    figures.set('poi', svg);
  }
  if (!isMissing(woi) && note) {
    const captions = ['The probabilities sum to 1; a word of several tokens has the sum of its tokens.'];
    figures.set(
      'woi',
      wordFigure(`Words of interest (WOI) of ${id}`, captions, note, woi.values, 'probability of the word'),
    );
  }
  if (!isMissing(attention) && isMaps(attention)) {
    for (const part of attention.parts)
      for (const [name, svg] of await attentionPartFigures(id, image, mask, note, part))
        figures.set(name, svg);
  } else if (!isMissing(attention) && note) {
    for (const [name, svg] of await attentionFigures(id, shown, grid, note, attention))
      figures.set(name, svg);
  }
  return figures;
}

/** One sentence about a map's mass. */
export function describeZones({ named, inside, area }: CamZones): string {
  return `${percentText(inside)} of the map lies in the zones that the note names (${named.join(', ')}), which are ${percentText(area)} of the image.`;
}

/** Each word with its patches, if words and patches meet. */
async function attentionFigures(
  id: string,
  image: RgbImage,
  side: number,
  note: ReadNote,
  { text, image: patches }: InteractionAttention,
): Promise<Map<string, string>> {
  const figures = new Map<string, string>();
  if (text.to !== 'patches' || patches.to !== 'words') return figures;
  const groups = note.groups.filter(({ kind }) => kind !== 'padding');
  const small = displayImage(image, 168);
  const draw = async (
    name: string,
    title: string,
    label: string,
    caption: string,
    maps: Float32Array[],
  ): Promise<void> => {
    const max = Math.max(...maps.map((values) => Math.max(...values)));
    const tiles = groups.map((group, g) => ({
      label: groupLabel(group),
      image: patchesOver(small, { side, values: maps[g] ?? [] }, max),
    }));
    figures.set(name, await tileFigure(title, [caption], tiles, { max, label }));
  };
  const fromWords = meanOverHeads(text); // [T,N]
  await draw(
    'attention-words',
    `What each word attends to, ${id}`,
    'weight of the patch',
    'CI, attn_text, mean over heads: the weights of each word sum to 1 over the patches.',
    groups.map(({ tokens }) => meanOfRows(fromWords, tokens, text.keys)),
  );
  const fromPatches = meanOverHeads(patches); // [N,T]
  await draw(
    'attention-patches',
    `Which patches attend to each word, ${id}`,
    'weight of the word',
    'CI, attn_img, mean over heads: the weights of each patch sum to 1 over the words and the padding, which CI does not mask.',
    groups.map(({ tokens }) =>
      Float32Array.from({ length: patches.queries }, (_, n) =>
        tokens.reduce((sum, t) => sum + (fromPatches[n * patches.keys + t] ?? 0), 0),
      ),
    ),
  );
  return figures;
}

export async function casePage(one: ExplainedCase, figures: Figures, about: About): Promise<string> {
  const { id, image, explanation } = one;
  const { gradCam, poi, woi, attention, note, mask, grid, remarks } = explanation;
  const shown = displayImage(image);
  const share = foregroundShare(mask);
  const sections: ReportSection[] = [];
  let style = pickerStyle;
  const add = (anchor: string, title: string, part: object, text: string, name: string): void => {
    const svg = figures.get(name);
    const html = isMissing(part)
      ? paragraph(`Does not apply: ${part.missing}.`)
      : joined(paragraph(text), svg === undefined ? '' : figure(svg, { alt: title }));
    sections.push({ id: anchor, title, html });
  };
  add(
    'grad-cam',
    'Grad-CAM',
    gradCam,
    'Where the layer’s features, weighted by their effect on the score, are positive: there the layer supports the target. The map says nothing about what the layer cannot see, or why.',
    'grad-cam',
  );
  add(
    'poi',
    'Patches of interest',
    poi,
    'The distribution over patches that weights the training losses (eq. 3). Segmentation itself does not use it.',
    'poi',
  );
  add('woi', 'Words of interest', woi, 'The distribution over the note’s words, likewise.', 'woi');
  if (isMissing(attention)) {
    sections.push({
      id: 'attention',
      title: 'Attention',
      html: paragraph(`Does not apply: ${attention.missing}.`),
    });
  } else if (isMaps(attention)) {
    for (const { name, title, about } of attention.parts) {
      const drawn = [...figures].filter(([key]) => key === name || key === `${name}-words`);
      const html = joined(
        paragraph(about),
        drawn.map(([, svg]) => figure(svg, { alt: title })),
      );
      sections.push({ id: name, title, html });
    }
  } else if (note) {
    for (const [anchor, map] of [
      ['attn-text', attention.text],
      ['attn-img', attention.image],
    ] as const) {
      const many = map.from === 'patches' && grid * grid > MOST_PATCHES;
      const picker = many
        ? null
        : await attentionPicker(map, {
            id: anchor === 'attn-text' ? 't' : 'i',
            image: shown,
            side: grid,
            groups: note.groups,
          });
      style += picker?.style ?? '';
      const one = map.from === 'words' ? 'a word' : 'a patch';
      const svg = figures.get(map.from === 'words' ? 'attention-words' : 'attention-patches');
      sections.push({
        id: anchor,
        title: `Attention: ${map.from} to ${map.to}`,
        html: joined(
          paragraph(
            `What ${one} attends to in conditioned interaction (${map.from === 'words' ? 'attn_text' : 'attn_img'}). Choose ${one}.`,
          ),
          picker?.html ??
            paragraph(
              `The model has ${grid * grid} patches, too many to click on; the numbers are in report.json.`,
            ),
          svg === undefined ? '' : figure(svg, { alt: `Attention from ${map.from} to ${map.to}` }),
        ),
      });
    }
  }
  const meant =
    explanation.sides === 'image'
      ? 'the image’s own'
      : explanation.sides === 'patient'
        ? 'the patient’s: left is on the image’s right'
        : 'not known whose; zones are named as the patient’s';
  const facts = [
    ['image', `${id}, ${image.width} x ${image.height} pixels`],
    ['predicted', share === 0 ? 'nothing' : `${percentText(share)} of the image`],
    ...(note ? [['note', note.text === '' ? '(empty)' : note.text]] : []),
    ...(explanation.zones ? [['left and right', meant]] : []),
    ...(note && note.cut.length > 0 ? [['not read', note.cut.join(' ')]] : []),
    ...Object.entries(about).map(([name, value]) => [name, String(value ?? 'unknown')]),
  ];
  return page({
    title: `Explanation of ${id}`,
    subtitle: 'What the model predicts, and what can be said about why',
    lead: joined(
      remarks.length > 0 ? warning(list(remarks)) : '',
      table([{ title: '' }, { title: '', align: 'left' }], facts),
    ),
    sections,
    footer: markup`Maps start at 0. Made by reclmis explain.`,
    style,
  });
}
