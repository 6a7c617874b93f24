/**
 * Text as SVG outlines of a font in the packages (Inter, SIL Open Font License): pictures look the same on
 * every machine.
 *
 * Pair kerning suffices for a chart's text. The font has Latin, Greek and Cyrillic letters; another character loses
 * its accents, or becomes a question mark.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type opentype from 'opentype.js';

/** 400 regular, 600 semibold. */
export type Weight = 400 | 600;

export interface TextStyle {
  /** In pixels; default 13. */
  readonly size?: number;
  readonly weight?: Weight;
  /** Default near-black. */
  readonly colour?: string;
  /** The point at `x`; default start. */
  readonly anchor?: 'start' | 'middle' | 'end';
  /** By a quarter turn. */
  readonly upwards?: boolean;
}

export const INK = '#1f2430';
export const FAINT = '#6b7280';

const require = createRequire(import.meta.url);
/** Files of the font; the first is enough for most texts. */
const SUBSETS = [
  'latin',
  'latin-ext',
  'cyrillic',
  'cyrillic-ext',
  'greek',
  'greek-ext',
  'vietnamese',
] as const;
type Subset = (typeof SUBSETS)[number];

const fonts = new Map<string, opentype.Font>();

function font(weight: Weight, subset: Subset = 'latin'): opentype.Font {
  const name = `inter-${subset}-${weight}-normal.woff`;
  let loaded = fonts.get(name);
  if (!loaded) {
    const { parse } = require('opentype.js') as typeof opentype; // when a text is drawn, not with the package
    const bytes = readFileSync(require.resolve(`@fontsource/inter/files/${name}`));
    loaded = parse(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
    fonts.set(name, loaded);
  }
  return loaded;
}

interface Placed {
  readonly glyph: opentype.Glyph;
  readonly face: opentype.Font;
}

/** In pixels. */
function layOut(
  text: string,
  size: number,
  weight: Weight,
): { placed: [opentype.Glyph, number][]; width: number } {
  const placed: [opentype.Glyph, number][] = [];
  let width = 0;
  let previous = null as Placed | null;
  for (const character of text) {
    const { glyph, face } = glyphOf(weight, character);
    const scale = size / face.unitsPerEm;
    if (previous?.face === face) width += face.getKerningValue(previous.glyph, glyph) * scale;
    placed.push([glyph, width]);
    width += (glyph.advanceWidth ?? 0) * scale;
    previous = { glyph, face };
  }
  return { placed, width };
}

function glyphOf(weight: Weight, character: string): Placed {
  for (const subset of SUBSETS) {
    const face = font(weight, subset);
    if (face.charToGlyphIndex(character) > 0) return { glyph: face.charToGlyph(character), face };
  }
  const face = font(weight);
  const plain = character.normalize('NFKD').charAt(0);
  return { glyph: face.charToGlyph(face.charToGlyphIndex(plain) > 0 ? plain : '?'), face };
}

export function textWidth(text: string, size = 13, weight: Weight = 400): number {
  return layOut(text, size, weight).width;
}

/** (x, y) is the baseline's start, middle or end. */
export function svgText(text: string, x: number, y: number, style: TextStyle = {}): string {
  const { size = 13, weight = 400, colour = INK, anchor = 'start', upwards = false } = style;
  const { placed, width } = layOut(text, size, weight);
  const left = x - (anchor === 'middle' ? width / 2 : anchor === 'end' ? width : 0);
  const outline = placed.map(([glyph, at]) => outlineOf(glyph.getPath(left + at, y, size))).join('');
  const turn = upwards ? ` transform="rotate(-90 ${x} ${y})"` : '';
  return `<path fill="${colour}"${turn} d="${outline}"/>`;
}

/**
 * In hundredths of a pixel. opentype.js's own `toPathData` keeps every number that it ever rounded: memory
 * would grow without end.
 */
function outlineOf({ commands }: opentype.Path): string {
  const points = (...numbers: number[]): string => numbers.map((value) => +value.toFixed(2)).join(' ');
  return commands
    .map((command) => {
      switch (command.type) {
        case 'M':
        case 'L':
          return command.type + points(command.x, command.y);
        case 'Q':
          return `Q${points(command.x1, command.y1, command.x, command.y)}`;
        case 'C':
          return `C${points(command.x1, command.y1, command.x2, command.y2, command.x, command.y)}`;
        case 'Z':
          return 'Z';
      }
    })
    .join('');
}

/**
 * Lines of at most `width` pixels, broken between words, or inside too long a word; beyond `maxLines` cut
 * with an ellipsis.
 */
export function wrapText(
  text: string,
  width: number,
  size = 13,
  weight: Weight = 400,
  maxLines = Infinity,
): string[] {
  const fits = (line: string): boolean => textWidth(line, size, weight) <= width;
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/).filter((part) => part !== '')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (fits(longer)) {
      line = longer;
      continue;
    }
    if (line !== '') lines.push(line);
    line = '';
    for (const character of word) {
      if (line !== '' && !fits(line + character)) {
        lines.push(line);
        line = '';
      }
      line += character;
    }
  }
  if (line !== '') lines.push(line);
  if (lines.length <= maxLines) return lines;
  const kept = lines.slice(0, maxLines);
  let last = kept.pop() ?? '';
  while (last !== '' && !fits(`${last}…`)) last = last.slice(0, -1).trimEnd();
  return [...kept, `${last}…`];
}
