import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Journal, readEntry, scanJournal } from './journal.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-journal-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const failed = (id: string): { id: string; error: { code: 'IMAGE_MISSING'; message: string } } => ({
  id,
  error: { code: 'IMAGE_MISSING', message: `${id}: gone` },
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
