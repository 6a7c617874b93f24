import { describe, expect, it } from 'vitest';
import { isLitter, nameDifference, NearNames, visibleName } from './names.js';

const NFC = 'M\u00fcller.png';
const NFD = 'Mu\u0308ller.png';

describe('names', () => {
  it('says how two similar names differ', () => {
    expect(nameDifference(NFC, NFD)).toBe('Unicode form');
    expect(nameDifference('a.png', 'A.PNG')).toBe('case');
    expect(nameDifference('a b.png', 'ab.png')).toBe('spaces');
    expect(nameDifference('a b.png', 'AB.png')).toBe('case and spaces');
    expect(nameDifference('a-1.png', 'a\u20131.png')).toBe('look-alike characters');
    expect(nameDifference('a\u200b.png', 'a.png')).toBe('look-alike characters');
    expect(nameDifference('a.png', 'b.png')).toBeNull();
    expect(nameDifference('a.png', 'a.png')).toBeNull();
  });

  it('shows invisible characters', () => {
    expect([NFC, NFD, 'a\u00a0b', 'Icon\r'].map(visibleName)).toEqual([
      '"M\u00fcller.png"',
      '"Mu\\u{308}ller.png"',
      '"a\\u{a0}b"',
      '"Icon\\u{d}"',
    ]);
    expect(new NearNames(['x.png', 'Scan 1.png']).hint('scan1.png')).toBe(
      ' (found "Scan 1.png", which differs in case and spaces from "scan1.png")',
    );
    expect(new NearNames(['x.png']).hint('y.png')).toBe('');
  });
});

describe('isLitter', () => {
  it('knows what systems, file servers and office programs leave behind', () => {
    for (const name of [
      ...['.DS_Store', '._a.png', '.AppleDouble', '.Trashes', 'Icon\r', '__MACOSX', 'Network Trash Folder'],
      ...['Thumbs.db', 'thumbs.DB', 'desktop.ini', '$RECYCLE.BIN', 'System Volume Information', 'RECYCLER'],
      ...['@eaDir', '#recycle', '@Recycle', '@__thumb', 'a.png@SynoEAStream', 'a.png:Zone.Identifier'],
      ...['lost+found', '.ipynb_checkpoints', '.nfs0001', '~$notes.xlsx', '.~lock.notes.xlsx#', 'notes.csv~'],
    ])
      expect(isLitter(name), name).toBe(true);
  });

  it('does not mistake data for litter', () => {
    for (const name of [
      'a.png',
      'Icon.png',
      'icon',
      'lost+found.png',
      '@a.png',
      '#1.png',
      '$1.png',
      'a~1.png',
      '~a.png',
    ])
      expect(isLitter(name), name).toBe(false);
  });
});
