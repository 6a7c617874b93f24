/** Another question never takes the file of an earlier one, and the same question finds its own again. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../config/config.js';
import { type Asked, outcomeFile } from './outcome-file.js';

const run = { dir: join('runs', 'a'), config: loadConfig(undefined, { 'data.dir': 'data/mine' }) };
const dataset = { name: 'mine', dir: 'data/mine', split: 'test', fingerprint: 'f1' } as const;
const name = (asked: Asked, data: { readonly dir?: string; readonly fingerprint?: string } = {}): string =>
  outcomeFile(run, { ...dataset, ...data }, asked).slice(join('runs', 'a', 'evaluation', '/').length);

describe('outcomeFile', () => {
  it.each<[Asked, string]>([
    [{}, 'mine-test.csv'],
    [{ notes: 'right', checkpoint: 'best' }, 'mine-test.csv'],
    [{ notes: 'shuffled' }, 'mine-test-shuffled.csv'],
    [{ notes: 'shuffled', seed: 7 }, 'mine-test-shuffled-seed-7.csv'],
    [{ notes: 'verbose', seed: 7 }, 'mine-test-verbose-seed-7.csv'],
    [{ notes: 'mirrored', seed: 7, noteStyle: 'free' }, 'mine-test-mirrored-free.csv'],
    [{ noteStyle: 'as-is' }, 'mine-test.csv'],
    [{ seed: 7 }, 'mine-test.csv'], // nothing is shuffled
    [{ sides: 'image' }, 'mine-test-sides-image.csv'],
    [{ resize: 'area' }, 'mine-test.csv'],
    [{ window: '' }, 'mine-test.csv'], // as in training
    [{ resize: 'upstream', sides: 'image' }, 'mine-test-sides-image-resize-upstream.csv'],
    [{ sides: 'patient', flips: true, checkpoint: 'last' }, 'mine-test-sides-patient-flips-last.csv'],
  ])('%j -> %s', (asked, expected) => {
    expect(name(asked)).toBe(expected);
  });

  it('gives the same cases of the run’s folder one name, however the folder is written', () => {
    expect(name({}, { dir: './data/mine/' })).toBe('mine-test.csv');
  });

  it('tells apart what a name cannot hold', () => {
    const names = [
      name({}),
      name({}, { dir: 'elsewhere/mine' }),
      name({}, { dir: 'elsewhere/mine', fingerprint: 'f2' }),
      name({ stems: 'few.txt' }, { fingerprint: 'f3' }),
      name({ ensemble: [] }),
      name({ ensemble: ['runs/b'] }),
      name({ ensemble: ['runs/b', 'runs/c'] }),
      name({ group: '^(x)' }),
      name({ spacing: [0.143, 0.143] }),
      name({ window: '-600/1500' }),
      name({ window: 'LUNG' }),
    ];
    expect(new Set(names).size).toBe(names.length);
    for (const one of names) expect(one).toMatch(/^mine-test(-ensemble)?(-[0-9a-f]{8})?\.csv$/);
    expect(name({ ensemble: ['runs/c', './runs/b'] })).toBe(name({ ensemble: ['runs/b', 'runs/c'] })); // a mean has no order
  });
});
