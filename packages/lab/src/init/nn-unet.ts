/**
 * nnU-Net's keys under another image size, and so number of levels: its decoder counts from the coarsest,
 * whose encoder keys are special. Levels are matched by distance from the finest, so deepening adds fresh
 * ones at the bottom.
 */
import type { Shapes } from './recipe.js';

const levelsOf = (shapes: Shapes): number =>
  [...shapes.keys()].filter((key) => /^tu\.\d+\.weight$/.test(key)).length;

/** The run's name of a parameter of ours. */
export function nnUNetNames(own: Shapes, run: Shapes): (key: string) => string {
  const [ours, theirs] = [levelsOf(own), levelsOf(run)];
  if (ours === theirs) return (key) => key;
  return (key) => {
    const [, part, level, rest] =
      /^(tu|conv_blocks_localization|seg_outputs|conv_blocks_context)\.(\d+)\.(.+)$/.exec(key) ?? [];
    if (part === undefined || level === undefined || rest === undefined) return key;
    if (part !== 'conv_blocks_context') return `${part}.${Number(level) + theirs - ours}.${rest}`;
    const inner = rest.replace(/^(\d)\.blocks\.0\./, 'blocks.$1.');
    return `${part}.${level}.${Number(level) === theirs ? inner.replace(/^blocks\.(\d)\./, '$1.blocks.0.') : inner}`;
  };
}
