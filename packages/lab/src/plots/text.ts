/**
 * Text as SVG outlines of a font in the packages (Inter, SIL Open Font License): pictures look the same on
 * every machine.
 *
 * Pair kerning suffices for a chart's Latin text. A character missing from the font loses its accents, or
 * becomes a question mark.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import opentype from 'opentype.js';

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

const fonts = new Map<Weight, opentype.Font>();

function font(weight: Weight): opentype.Font {
  let loaded = fonts.get(weight);
  if (!loaded) {
    const file = createRequire(import.meta.url).resolve(
      `@fontsource/inter/files/inter-latin-${weight}-normal.woff`,
    );
    const bytes = readFileSync(file);
    loaded = opentype.parse(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
    fonts.set(weight, loaded);
  }
  return loaded;
}

/** In pixels. */
function layOut(
  text: string,
  size: number,
  weight: Weight,
): { placed: [opentype.Glyph, number][]; width: number } {
  const face = font(weight);
  const scale = size / face.unitsPerEm;
  const placed: [opentype.Glyph, number][] = [];
  let width = 0;
  let previous: opentype.Glyph | null = null;
  for (const character of text) {
    const glyph = glyphOf(face, character);
    if (previous) width += face.getKerningValue(previous, glyph) * scale;
    placed.push([glyph, width]);
    width += (glyph.advanceWidth ?? 0) * scale;
    previous = glyph;
  }
  return { placed, width };
}

function glyphOf(face: opentype.Font, character: string): opentype.Glyph {
  for (const candidate of [character, character.normalize('NFKD').charAt(0)]) {
    if (face.charToGlyphIndex(candidate) > 0) return face.charToGlyph(candidate);
  }
  return face.charToGlyph('?');
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

/** `12.3 %`; `<0.1 %` for less. */
export function percentText(share: number): string {
  const percent = 100 * share;
  return percent > 0 && percent < 0.1 ? '<0.1 %' : `${percent.toFixed(1)} %`;
}
