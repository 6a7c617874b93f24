import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readYaml, resolveConfig } from '../config/config.js';
import { checkOptions, optionsFromConfig } from '../model/options.js';
import { flatten } from '../runs/runs.js';
import { findStudy, firstDifference, loadStudy, type Study, studyNames } from './study.js';
import { studyTasks } from './tasks.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-study-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let serial = 0;
function made(text: string): string {
  const file = join(root, `study-${serial++}.yaml`);
  writeFileSync(file, text);
  return file;
}

const study = (name: string): Study => loadStudy(findStudy(name));
/** The paper's tables, as `name: Dice/mIoU`. */
const figures = (name: string): string[] =>
  study(name).cells.map(
    ({ name: cell, paper }) => `${cell}: ${paper?.dice.toFixed(2)}/${paper?.miou.toFixed(2)}`,
  );

/** Settings that cells of a study may change. */
function allowedIn(name: string): RegExp {
  if (name === 'levers') return /^(model\.deepSupervision$|train\.)/;
  // Systems of Table 1 are trained by half Dice and half cross-entropy, and RecLMIS by eq. 10.
  return name === 'systems' ? /^(model\.|train\.lossWeights\.)/ : /^model\./;
}

describe('the studies of configs/ablation', () => {
  it('are named where another is asked for', () => {
    expect(() => findStudy('component')).toThrow(
      /^component: expected a file or one of components, conditions, /,
    );
  });

  it.each(studyNames())(
    '%s: every cell is a valid model that differs from the base in what it sets, and in nothing else',
    (name) => {
      const file = findStudy(name);
      const { cells, best, bestBy, seeds, source } = loadStudy(file);
      expect(bestBy, file).toBe(/paper/iu.test(source) ? 'paper' : 'study');
      const base = flatten(resolveConfig(readYaml(file)['base'] as Record<string, unknown>));
      for (const { set, config } of cells) {
        checkOptions(optionsFromConfig(config.model, { width: 512 }));
        const own = flatten(config);
        for (const [path, value] of Object.entries(set)) expect([path, own.get(path)]).toEqual([path, value]);
        const changed = [...own].filter(
          ([path, value]) => JSON.stringify(value) !== JSON.stringify(base.get(path)),
        );
        expect(Object.keys(set)).toEqual(expect.arrayContaining(changed.map(([path]) => path)));
        expect(changed.filter(([path]) => !allowedIn(name).test(path))).toEqual([]);
      }
      // The paper's best cell is the base itself.
      const same = cells.filter(
        ({ config }) => JSON.stringify([...flatten(config)]) === JSON.stringify([...base]),
      );
      const phantom = name.startsWith('phantom');
      if (!phantom) expect(same.map((cell) => cell.name)).toEqual([best]);
      expect(new Set(seeds).size).toBe(seeds.length);
    },
  );

  it('hold Table 2, Table 3, Table 4 and what of Table 1 the project has', () => {
    expect(figures('components')).toEqual([
      'all: 84.84/76.44',
      'no-clr: 84.43/75.98',
      'no-cvr: 84.30/75.84',
      'ci: 82.52/73.35',
      'none: 79.37/70.00',
    ]);
    expect(figures('conditions')).toEqual([
      'none: 84.14/75.57',
      'ccl: 84.56/75.97',
      'clr: 84.35/75.94',
      'cvr: 84.63/76.19',
      'all: 84.84/76.44',
    ]);
    expect(figures('interaction')).toEqual([
      'self-cross: 79.37/69.87',
      'self-self: 78.91/69.51',
      'cross-self: 84.50/75.98',
      'cross-cross: 84.84/76.44',
    ]);
    expect(figures('systems')).toEqual([
      'unet: 79.02/69.46',
      'unetpp: 79.62/70.25',
      'attunet: 79.31/70.04',
      'nnunet: 80.42/70.81',
      'transunet: 78.63/69.13',
      'swinunet: 78.07/68.34',
      'uctransnet: 79.15/69.60',
      'convirt: 79.72/70.58',
      'tganet: 79.87/70.75',
      'clipseg: 79.81/70.66',
      'gloria: 79.94/70.68',
      'vilt: 79.63/70.12',
      'lavt: 79.28/69.89',
      'lvit: 83.66/75.11',
      'reclmis: 85.22/77.00',
    ]);
  });

  it('switch what their names say', () => {
    const models = (name: string) =>
      new Map(study(name).cells.map(({ name: cell, config }) => [cell, config.model]));
    const off = { ci: false, ccl: false, clr: false, cvr: false };
    expect(models('components').get('none')?.components).toEqual(off);
    expect(models('components').get('ci')?.components).toEqual({ ...off, ci: true, ccl: true });
    expect(models('components').get('no-clr')?.components).toEqual({
      ci: true,
      ccl: true,
      clr: false,
      cvr: true,
    });
    expect(models('conditions').get('cvr')?.conditions).toEqual({ ccl: false, clr: false, cvr: true });
    expect(models('interaction').get('self-cross')?.attention).toEqual({
      ci: 'self',
      reconstruction: 'cross',
    });
    expect([...models('masking').values()].map(({ maskStrategy }) => maskStrategy)).toEqual([
      'distribution',
      'random',
      'topk',
    ]);
    expect([...models('layers').values()].map(({ layers }) => layers)).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
    ]);
    expect(models('ratios').size).toBe(25);
    expect(models('ratios').get('visual-0.5-textual-0.3')?.maskRatios).toEqual({ visual: 0.5, textual: 0.3 });
  });
});

describe('loadStudy', () => {
  const HEAD = 'title: T\nsource: S\n';
  const CELL = '  - { name: a, set: { model.layers: 1 } }\n';

  it('makes every combination of a grid, the last setting fastest, and names them', () => {
    const { cells, axes, best } = loadStudy(
      made(
        `${HEAD}best: layers-2-visual-0.1\ngrid: { model.layers: [1, 2], model.maskRatios.visual: [0.1, 0.9] }\n`,
      ),
    );
    expect(cells.map(({ name }) => name)).toEqual([
      'layers-1-visual-0.1',
      'layers-1-visual-0.9',
      'layers-2-visual-0.1',
      'layers-2-visual-0.9',
    ]);
    expect(cells[1]?.config.model).toMatchObject({ layers: 1, maskRatios: { visual: 0.9, textual: 0.3 } });
    expect(axes?.map(({ values }) => values)).toEqual([
      [1, 2],
      [0.1, 0.9],
    ]);
    expect(best).toBe('layers-2-visual-0.1');
  });

  it('puts overrides over the base and below the cells', () => {
    const file = made(`${HEAD}base: { preset: phantom, train: { epochs: 7 } }\ncells:\n${CELL}`);
    expect(loadStudy(file).cells[0]?.config.train.epochs).toBe(7);
    expect(loadStudy(file, { 'train.epochs': 3 }).cells[0]?.config).toMatchObject({
      model: { baseWidth: 16, layers: 1 },
      train: { epochs: 3 },
    });
    expect(() => loadStudy(file, { 'model.layers': 2 })).toThrow(/--model\.layers: the cells of .* set it/);
  });

  it('may base on a file, whose path is relative to the study', () => {
    const file = made(`${HEAD}base: { preset: shared/base.yaml }\ncells:\n${CELL}`);
    mkdirSync(join(dirname(file), 'shared'), { recursive: true });
    writeFileSync(join(dirname(file), 'shared', 'base.yaml'), 'preset: phantom\ntrain: { epochs: 9 }\n');
    const [cell] = loadStudy(file).cells;
    expect(cell?.config).toMatchObject({ model: { baseWidth: 16 }, train: { epochs: 9 } });
  });

  it('a run with an entry more differs, whichever of the two has it', () => {
    const [plain, factors] = [{}, { train: { lrFactors: { encoder: 0.1 } } }].map((own) =>
      resolveConfig(own),
    );
    const at = { path: 'train.lrFactors.encoder' };
    expect(firstDifference(plain!, factors!)).toEqual({ ...at, stored: undefined, asked: 0.1 });
    expect(firstDifference(factors!, plain!)).toEqual({ ...at, stored: 0.1, asked: undefined });
    expect(firstDifference(factors!, factors!)).toBeNull();
  });

  it('a run per cell and seed, each with its folder and its seed', () => {
    const tasks = studyTasks(loadStudy(made(`${HEAD}seeds: [3, 5]\ncells:\n${CELL}`)), 'out');
    expect(tasks.map(({ dir, config }) => [dir, config.seed])).toEqual([
      [join('out', 'runs', 'a', 'seed-3'), 3],
      [join('out', 'runs', 'a', 'seed-5'), 5],
    ]);
  });

  it.each([
    [`${HEAD}cels:\n${CELL}`, 'CONFIG_UNKNOWN_KEY', /unknown key cels/],
    [`${HEAD}cells:\n  - { name: a, sets: {} }\n`, 'CONFIG_UNKNOWN_KEY', /unknown key cells\.0\.sets/],
    [
      `${HEAD}cells:\n  - { name: a, set: { model.layer: 1 } }\n`,
      'CONFIG_UNKNOWN_KEY',
      /model\.layer; .* model\.layers/,
    ],
    [`${HEAD}base: { modle: {} }\ncells:\n${CELL}`, 'CONFIG_UNKNOWN_KEY', /unknown key modle/],
    [
      `${HEAD}cells:\n  - { name: a, set: { model.layers: 99 } }\n`,
      'CONFIG_INVALID',
      /cell a: model\.layers: .* at most 10, got 99/,
    ],
    [
      `${HEAD}cells:\n${CELL}  - { name: a, set: { model.layers: 2 } }\n`,
      'CONFIG_INVALID',
      /each name once, got a twice/,
    ],
    [
      `${HEAD}cells:\n${CELL}  - { name: b, set: { model.layers: 1 } }\n`,
      'CONFIG_INVALID',
      /b and a are the same/,
    ],
    [`${HEAD}cells:\n  - { name: a, set: { seed: 1 } }\n`, 'CONFIG_INVALID', /a cell sets seed/],
    [`${HEAD}cells:\n  - { name: ../a, set: {} }\n`, 'CONFIG_INVALID', /cells\.0\.name: .*"\.\.\/a"/],
    [
      `${HEAD}cells:\n  - { name: a, set: {}, paper: { dice: 184, miou: 1 } }\n`,
      'CONFIG_INVALID',
      /paper\.dice: .* at most 100/,
    ],
    [`${HEAD}best: b\ncells:\n${CELL}`, 'CONFIG_INVALID', /best: expected the name of a cell \(a\), got b/],
    [`${HEAD}columns: { model.name: N }\ncells:\n${CELL}`, 'CONFIG_INVALID', /columns: .* got model\.name/],
    [`${HEAD}seeds: [2, 2]\ncells:\n${CELL}`, 'CONFIG_INVALID', /seeds: expected different seeds/],
    [HEAD, 'CONFIG_INVALID', /either cells or grid, got neither/],
    [`source: S\ncells:\n${CELL}`, 'CONFIG_INVALID', /title: expected a string, got nothing/],
  ])('refuses %j', (text, code, message) => {
    const file = made(text);
    expect(() => loadStudy(file)).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) as string }),
    );
    expect(() => loadStudy(file)).toThrow(file);
  });
});
