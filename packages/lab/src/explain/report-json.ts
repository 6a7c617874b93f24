/** An explanation as numbers for `report.json`, each with its meaning. Contains the note. */
import { foregroundPixels, foregroundShare, groupLabel, sidesToTell, sumByGroup } from '@reclmis/core';
import type { AttentionMap, InteractionAttention } from './attention.js';
import { type AttentionMaps, isMaps } from './attention-maps.js';
import type { Distribution, Explanation, ReadNote } from './explain.js';
import type { GradCam } from './grad-cam.js';
import { isMissing, type Missing } from './interest.js';

/** Six digits, without float32's noise. */
const round = (value: number): number => Number(value.toPrecision(6));
const numbers = (values: Float32Array): number[] => Array.from(values, round);

/** Grids are lists of rows; attention is [head][query][key]. */
export function explanationToJson(explanation: Explanation): Record<string, unknown> {
  const {
    size,
    grid,
    note,
    mask,
    target,
    gradCam,
    zones,
    sides,
    mirrored,
    style,
    poi,
    woi,
    attention,
    warnings,
    remarks,
  } = explanation;
  const area = foregroundPixels(mask);
  return {
    size,
    patches: { columns: grid, rows: grid },
    note: note && {
      text: note.text,
      tokens: note.tokens,
      words: note.groups.map((group) => ({
        label: groupLabel(group),
        kind: group.kind,
        tokens: group.tokens,
      })),
      notRead: note.cut,
      sides,
      mirrored,
      style,
    },
    mask: { width: mask.width, height: mask.height, area, share: round(foregroundShare(mask)) },
    gradCam: given(gradCam, (cam) => camToJson(cam, target)),
    gradCamZones: zones && {
      ...zones,
      inside: round(zones.inside),
      area: round(zones.area),
      sides: sidesToTell(sides),
    },
    poi: given(poi, ({ values }) => rows(values, grid)),
    woi: given(woi, (found) => woiToJson(found, note)),
    attention: given(attention, attentionToJson),
    warnings,
    remarks,
  };
}

function given<T extends object>(part: T | Missing, write: (part: T) => unknown): unknown {
  return isMissing(part) ? part : write(part);
}

function camToJson(
  { layer, channels, side, values, score, pixels }: GradCam,
  target: Explanation['target'],
): unknown {
  return { layer, channels, target, targetPixels: pixels, score: round(score), map: rows(values, side) };
}

function woiToJson({ values }: Distribution, note: ReadNote | null): unknown {
  const groups = note?.groups ?? [];
  return { tokens: numbers(values), words: sumByGroup(groups, values).map(round) };
}

function attentionToJson(attention: InteractionAttention | AttentionMaps): unknown {
  if (isMaps(attention)) {
    return attention.parts.map(({ name, title, about, maps, words }) => ({
      ...{ name, title, about },
      maps: maps.map(({ label, side, values }) => ({ label, map: rows(values, side) })),
      ...(words && { tokens: numbers(words) }),
    }));
  }
  const { text, image } = attention;
  return { attn_text: mapToJson(text), attn_img: mapToJson(image) };
}

function mapToJson({ from, to, heads, queries, keys, weights }: AttentionMap): unknown {
  const head = (h: number): number[][] => {
    const start = h * queries * keys;
    return Array.from({ length: queries }, (_, q) =>
      numbers(weights.subarray(start + q * keys, start + (q + 1) * keys)),
    );
  };
  return { from, to, weights: Array.from({ length: heads }, (_, h) => head(h)) };
}

function rows(values: Float32Array, side: number): number[][] {
  return Array.from({ length: side }, (_, y) => numbers(values.subarray(y * side, (y + 1) * side)));
}
