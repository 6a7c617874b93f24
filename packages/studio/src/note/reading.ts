/** How a note is understood, by core's reader alone: places with their part of the text, unknown words, chips. */
import {
  type FreeNote,
  habitsOf,
  type ModelManifest,
  namedZones,
  noteForModel,
  parseNote,
  readNote,
  type ReadPlace,
  type ResultChecks,
  THIRDS,
  vocabularyFor,
  type Warning,
  type ZoneSet,
} from '@reclmis/core';
import type { NamedPlace, Note, Reading, Span, UnknownWord } from '../state/state.js';

/** Warnings whose words the note field underlines. */
const ABOUT_WORDS: ReadonlySet<string> = new Set([
  'NOTE_WORDS_UNKNOWN',
  'NOTE_WORDS_MENDED',
  'NOTE_PARTLY_READ',
]);

export interface NoteModel {
  readonly manifest: ModelManifest;
  readonly checks: ResultChecks;
}

export function readingOf({ text, sides }: Note, { manifest, checks }: NoteModel): Reading {
  const habits = habitsOf(manifest);
  const given = noteForModel(text, habits, sides === null ? {} : { sides });
  const free = readNote(text, vocabularyFor(habits));
  const blank = text.trim() === '';
  const warnings = blank ? [] : [...checks.note(given.worded, given.mirrored), ...given.warnings];
  return {
    text,
    sides: given.sides,
    places: free.places.flatMap((place, i) => namedPlace(place, i + 1, text)),
    unknown: unknownWords(text, warnings),
    chips: chipsOf(free),
    sent: given.text === text ? null : given.text,
    warnings,
  };
}

function namedPlace(place: ReadPlace, number: number, text: string): NamedPlace[] {
  const { side, zones } = place;
  const named: ZoneSet | null = namedZones({ ...parseNote(''), places: [{ side, zones }] });
  return named === null
    ? []
    : [{ number, label: labelOf(place), zones: named, spans: joined(place.spans, text) }];
}

/** "Upper left", "Left", "Upper and lower right". */
function labelOf({ side, zones }: ReadPlace): string {
  const whole = zones.length === 0 || zones.includes('all') || THIRDS.every((third) => zones.includes(third));
  const words = [whole ? '' : zones.join(' and '), side ?? (whole ? 'both lungs' : 'both sides')];
  const label = words.filter((word) => word !== '').join(' ');
  return label.charAt(0).toUpperCase() + label.slice(1);
}

/** Spans with nothing but spaces between them become one. */
function joined(spans: readonly Span[], text: string): Span[] {
  const all: Span[] = [];
  for (const { start, end } of [...spans].sort((a, b) => a.start - b.start)) {
    const last = all.at(-1);
    if (last && text.slice(last.end, start).trim() === '') all[all.length - 1] = { start: last.start, end };
    else all.push({ start, end });
  }
  return all;
}

function unknownWords(text: string, warnings: readonly Warning[]): UnknownWord[] {
  const found = new Map<number, UnknownWord>();
  const lower = text.toLowerCase();
  for (const { code, words = [] } of warnings) {
    if (!ABOUT_WORDS.has(code)) continue;
    for (const { word, nearest, read } of words)
      for (const start of placesOf(word.toLowerCase(), lower)) {
        const mended = read === true || code === 'NOTE_WORDS_MENDED';
        found.set(start, { start, end: start + word.length, word, nearest: nearest ?? null, mended });
      }
  }
  return [...found.values()].sort((a, b) => a.start - b.start);
}

/** Where a word is by itself. */
function placesOf(word: string, text: string): number[] {
  const places: number[] = [];
  const isLetter = (at: number): boolean => /[\p{L}\p{N}]/u.test(text.charAt(at));
  for (let at = text.indexOf(word); at >= 0 && word !== ''; at = text.indexOf(word, at + word.length))
    if (!isLetter(at - 1) && !isLetter(at + word.length)) places.push(at);
  return places;
}

function chipsOf({ laterality, count, absent, places, uncertain }: FreeNote): string[] {
  const chips: string[] = [];
  if (laterality !== null) chips.push(laterality === 'bilateral' ? 'Bilateral' : 'Unilateral');
  if (count !== null) chips.push(count.value === 1 ? '1 area' : `${count.value} areas`);
  if (absent.length > 0 && places.length === 0) chips.push('Nothing there');
  if (uncertain !== null) chips.push('Uncertain');
  return chips;
}

/** The note with a word replaced. */
export function replaced(text: string, { start, end }: Span, word: string): string {
  const was = text.slice(start, end);
  const first = was.charAt(0);
  const capital = first !== first.toLowerCase();
  return (
    text.slice(0, start) + (capital ? word.charAt(0).toUpperCase() + word.slice(1) : word) + text.slice(end)
  );
}

/** The note with a place added at its end, before a full stop. @param place such as "upper left lung" */
export function withPlace(text: string, place: string): string {
  const bare = text.trimEnd().replace(/[.,;\s]+$/u, '');
  if (bare === '') return `${place.charAt(0).toUpperCase()}${place.slice(1)}.`;
  return `${bare} and ${place}.`;
}
