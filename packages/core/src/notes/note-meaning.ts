/** What a note in any words says of places and number, for checks of masks: by LViT's grammar or by the reader. */
import { type ParsedNote, parseNote } from './note.js';
import { isCovered } from './note-grammar.js';
import { chest, type FreeNote, readNote, type Vocabulary } from './reader/index.js';

/** Parsed like this, a note says nothing. */
const SILENT = parseNote('');

/**
 * A note as LViT's grammar would say it: by that grammar if it covers the note; as read if the reader understands all
 * of it and finds a place; with neither places nor number if the note leaves them open; else what the grammar finds in it.
 * @param vocabulary the note's; of another than `chest` only the sides, as heights of other pictures are no zones
 */
export function meaningOf(note: string, vocabulary: Vocabulary | null = null): ParsedNote {
  const own = vocabulary ?? chest();
  const isChest = own.name === chest().name;
  const parsed = parseNote(note);
  if (isChest && (parsed.nuclei.length > 0 || isCovered(parsed))) return parsed;
  const read = readNote(note, own);
  const placed = read.places.length + read.absent.length > 0;
  if (read.complete && placed) return said(read, isChest);
  const open = read.warnings.some(({ code }) => code === 'NOTE_AMBIGUOUS' || code === 'NOTE_CONTRADICTS');
  return open ? SILENT : parsed;
}

function said({ places, absent, findings, count, laterality }: FreeNote, heights: boolean): ParsedNote {
  const denies = findings.length === 0 && places.length === 0 && absent.length > 0;
  const kept = heights
    ? places
    : places.filter(({ side }) => side !== null).map(({ side }) => ({ side, zones: [] }));
  return {
    ...SILENT,
    laterality: laterality === null ? null : laterality === 'bilateral' ? 'bilateral' : 'unilateral',
    finding: denies ? 'no finding' : (findings[0]?.value ?? null),
    count: count?.value ?? null,
    places: kept.map(({ side, zones }) => ({ side, zones })),
  };
}
