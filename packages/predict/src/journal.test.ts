import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NEWER_REMEDY } from '@reclmis/core';
import { afterAll, describe, expect, it } from 'vitest';
import { Journal, journalIdentity, readEntry, scanJournal } from './journal.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-journal-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const failed = (id: string): { id: string; error: { code: 'IMAGE_MISSING'; message: string } } => ({
  id,
  error: { code: 'IMAGE_MISSING', message: `${id}: gone` },
});

const KEPT = new URL('../../../tests/fixtures/formats/cases-1.jsonl', import.meta.url);

describe('a journal of another version', () => {
  it('reclmis-cases/1 is read', async () => {
    const path = join(root, 'kept.jsonl');
    copyFileSync(KEPT, path);
    const scan = await scanJournal(path);
    expect([...(scan?.entries.keys() ?? [])]).toEqual(['phantom_0021', 'phantom_0022']);
    expect(await readEntry(scan!.entries.get('phantom_0022')!)).toMatchObject({
      statistics: { image: 'phantom_0022.png', width: 32, area: 0 },
    });
    const journal = await Journal.open(path, scan?.header?.identity ?? '', 'resume');
    expect(await journal.entryOf('phantom_0021')).toMatchObject({ files: { '_mask.png': 97 } });
    await journal.close();
  });

  it('a newer one is refused and stays as it is', async () => {
    const path = join(root, 'newer.jsonl');
    const text = readFileSync(KEPT, 'utf8').replace('reclmis-cases/1', 'reclmis-cases/9').slice(0, 300);
    writeFileSync(path, text);
    const refusal = {
      code: 'OUTPUT_EXISTS',
      message: `${path}: expected format reclmis-cases/1, got reclmis-cases/9, made by a newer version of reclmis`,
      remedy: NEWER_REMEDY,
    };
    await expect(Journal.open(path, 'model', 'resume')).rejects.toMatchObject(refusal);
    await expect(Journal.open(path, 'model', 'new')).rejects.toMatchObject(refusal);
    await expect(journalIdentity(path)).rejects.toMatchObject(refusal);
    expect(readFileSync(path, 'utf8')).toBe(text);
  });
});

describe('a journal', () => {
  it('gives back the last line of each case', async () => {
    const path = join(root, 'cases.jsonl');
    const journal = await Journal.open(path, 'model', 'new');
    await journal.append([failed('ä'), failed('b')]);
    await journal.append([{ ...failed('ä'), error: { code: 'NOTE_MISSING', message: 'none' } }]);
    await journal.close();
    const again = await Journal.open(path, 'model', 'resume');
    expect(await again.entryOf('ä')).toMatchObject({ error: { code: 'NOTE_MISSING' } });
    expect(await again.entryOf('c')).toBeNull();
    await again.close();
    const scan = await scanJournal(path);
    expect(await readEntry(scan!.entries.get('b')!)).toEqual(failed('b'));
    expect(scan!.end).toBe(readFileSync(path).length);
  });

  it('marks notes by its own key, unchanged after reopening', async () => {
    const path = join(root, 'marks.jsonl');
    const first = await Journal.open(path, 'model', 'new');
    const mark = first.mark('upper left lung');
    await first.close();
    const again = await Journal.open(path, 'model', 'resume');
    expect(again.mark('upper left lung')).toBe(mark);
    expect(again.mark('upper right lung')).not.toBe(mark);
    await again.close();
    const other = await Journal.open(join(root, 'other.jsonl'), 'model', 'new');
    expect(other.mark('upper left lung')).not.toBe(mark);
    await other.close();
  });
});
