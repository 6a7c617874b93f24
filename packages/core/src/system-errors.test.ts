import { describe, expect, it } from 'vitest';
import { ReclmisError } from './errors.js';
import { isFull, writeError } from './system-errors.js';

const failed = (code: string): Error => Object.assign(new Error(`${code}: told by\n the system`), { code });

describe('a failed write', () => {
  it.each(['ENOSPC', 'EDQUOT', 'EFBIG'])('%s means that there is no room', (code) => {
    const cause = failed(code);
    const error = writeError('out/a.png', cause);
    expect([isFull(cause), error.code, error.message, error.cause]).toEqual([
      true,
      'DISK_FULL',
      `out/a.png: no room left (${code})`,
      cause,
    ]);
  });

  it.each(['EACCES', 'EROFS', 'ENOENT'])('%s means that the place cannot be written', (code) => {
    const error = writeError('out/a.png', failed(code));
    expect([isFull(failed(code)), error.code, error.message]).toEqual([
      false,
      'OUTPUT_UNWRITABLE',
      `out/a.png: cannot be written (${code}: told by; the system)`,
    ]);
  });

  it('has the remedy for its place, else the catalogue’s', () => {
    const remedies = { full: 'Empty the cache.', unwritable: 'Move the cache.' };
    const all = ['ENOSPC', 'EACCES'].map((code) => writeError('a', failed(code), remedies).remedy);
    expect(all).toEqual(['Empty the cache.', 'Move the cache.']);
    expect(writeError('a', failed('EACCES'), { full: 'Empty the cache.' }).remedy).toBe(
      new ReclmisError('OUTPUT_UNWRITABLE', '').remedy,
    );
  });

  it('keeps a coded error', () => {
    const coded = new ReclmisError('IMAGE_UNREADABLE', 'a.png: no image');
    expect(writeError('b', coded)).toBe(coded);
  });
});
