/** Core's grammar on LViT's real notes. Skipped without ../shared/data (not ours to publish). */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { formatNote, mirrorNote, namesPlace, namesSide, parseNote, WordTokenizer } from '@reclmis/core';
import { readNotes } from '@reclmis/files';
import { beforeAll, describe, expect, it } from 'vitest';

const data = fileURLToPath(new URL('../../../shared/data/', import.meta.url));

/** One per mask. */
async function notesOf(name: string): Promise<string[]> {
  const files = readdirSync(join(data, name), { recursive: true, encoding: 'utf8' }).filter((path) =>
    path.endsWith('_text.xlsx'),
  );
  const tables = await Promise.all(files.map((path) => readNotes(join(data, name, path))));
  return tables.flatMap(({ notes }) => [...notes.values()]);
}

describe.skipIf(!existsSync(join(data, 'QaTa-COV19')))('the notes of QaTa-COV19', () => {
  let notes: string[] = [];
  beforeAll(async () => {
    notes = await notesOf('QaTa-COV19');
  });

  it('are all there: 7,142 of train and val, 527 of test', () => {
    expect(notes.length).toBe(7142 + 527);
  });

  it('are read completely, and written back word for word', () => {
    const parsed = notes.map((note) => ({ note, parsed: parseNote(note) }));
    const unread = parsed.filter(({ parsed: { remainder } }) => remainder.length > 0);
    expect(unread.map(({ note }) => note)).toEqual([]); // i.e. 100 % are read completely
    const other = parsed.filter(({ note, parsed: p }) => formatNote(p).toLowerCase() !== note.toLowerCase());
    expect(other.map(({ note }) => note)).toEqual([]);
  });

  it('hold laterality, finding, count and places, which agree with each other', () => {
    let sidesAgree = 0;
    for (const note of notes) {
      const { laterality, finding, count, places } = parseNote(note);
      expect(finding, note).toBe('pulmonary infection');
      expect(count, note).toBeGreaterThanOrEqual(1);
      expect(places.length, note).toBe(laterality === 'bilateral' ? 2 : 1);
      const sides = new Set(places.map(({ side }) => side));
      if (sides.size === places.length && !sides.has(null)) sidesAgree++;
    }
    expect(notes.length - sidesAgree).toBe(1); // "all lung and all right lung" in the training set
  });

  it('mirror into notes of the same grammar with the sides exchanged, and back', () => {
    for (const note of new Set(notes)) {
      const mirrored = mirrorNote(note);
      expect(namesSide(note) && namesPlace(note), note).toBe(true);
      expect(mirrorNote(mirrored)).toBe(note);
      const expected = parseNote(note).places.map(({ side, zones }) => ({
        side: side === null ? null : side === 'left' ? 'right' : 'left',
        zones,
      }));
      expect(parseNote(mirrored).places).toEqual(expected);
    }
  });

  it('are 17 words at most, of a vocabulary of 21', () => {
    const tokenizer = WordTokenizer.fromNotes(notes);
    expect(tokenizer.statistics(notes)).toMatchObject({ notes: 7669, longest: 17, unknownShare: 0 });
    expect(tokenizer.size).toBe(2 + 21); // including padding and unknown
  });
});

describe.skipIf(!existsSync(join(data, 'MoNuSeg')))('the notes of MoNuSeg', () => {
  it('are read completely, and written back word for word', async () => {
    const notes = await notesOf('MoNuSeg');
    expect(notes.length).toBe(24 + 6 + 14);
    for (const note of notes) {
      const parsed = parseNote(note);
      expect(parsed.nuclei.length, note).toBe(1);
      expect(parsed.remainder, note).toEqual([]);
      expect(formatNote(parsed)).toBe(note);
    }
  });
});
