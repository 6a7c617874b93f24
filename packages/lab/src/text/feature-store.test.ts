import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { FeatureRow } from './encoder.js';
import { FeatureStore } from './feature-store.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-features-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const T = 3;
const W = 4;
const IDS = [7, 8, 9];
const ROW: FeatureRow = { features: Float32Array.from({ length: T * W }, (_, i) => i / 7 - 1), length: 2 };
let serial = 0;
function fresh(capacity?: number): { store: FeatureStore; file: () => string; folder: string } {
  const name = `encoder-${++serial}`;
  const folder = join(root, name);
  return {
    store: new FeatureStore(root, name, T, W, capacity),
    file: () => join(folder, readdirSync(folder)[0] ?? ''),
    folder,
  };
}

describe('FeatureStore', () => {
  it('gives back to the bit what it was given, to the user alone', () => {
    const { store, file, folder } = fresh();
    expect(store.get(IDS)).toBeNull();
    expect(store.put(IDS, ROW)).toBe(true);
    expect(store.get(IDS)).toEqual(ROW);
    expect(store.get([7, 8, 10])).toBeNull();
    expect(readdirSync(folder)).toHaveLength(1); // no temporary file remains
    expect(statSync(file()).mode & 0o077).toBe(0);
    expect(statSync(folder).mode & 0o077).toBe(0);
  });

  it('takes a damaged file for absent, and replaces it', () => {
    const { store, file } = fresh();
    store.put(IDS, ROW);
    const whole = readFileSync(file());
    for (const damage of [
      () => truncateSync(file(), whole.length - 1),
      () => writeFileSync(file(), ''),
      () =>
        writeFileSync(
          file(),
          whole.map((byte, i) => (i === 40 ? byte ^ 1 : byte)),
        ),
      () =>
        writeFileSync(
          file(),
          whole.map((byte, i) => (i === 0 ? byte ^ 1 : byte)),
        ),
    ]) {
      damage();
      expect(store.get(IDS)).toBeNull();
      expect(store.put(IDS, ROW)).toBe(true);
      expect(store.get(IDS)).toEqual(ROW);
    }
  });

  it('does not read another size', () => {
    const { store, folder } = fresh();
    store.put(IDS, ROW);
    const name = folder.slice(root.length + 1);
    expect(new FeatureStore(root, name, T, W + 1).get(IDS)).toBeNull();
    expect(new FeatureStore(root, name, W, T).get(IDS)).toBeNull(); // as many numbers, in another arrangement
  });

  it('stops at its capacity, and where it cannot write', () => {
    const { store, folder } = fresh(1);
    expect(store.put(IDS, ROW)).toBe(true);
    expect(store.put([1, 2, 3], ROW)).toBe(false);
    expect(readdirSync(folder)).toHaveLength(1);
    writeFileSync(join(root, 'file'), ''); // a file in place of the folder: refused even for root
    const blocked = new FeatureStore(join(root, 'file'), 'encoder', T, W);
    expect(blocked.put(IDS, ROW)).toBe(false);
    expect(blocked.get(IDS)).toBeNull();
  });
});
