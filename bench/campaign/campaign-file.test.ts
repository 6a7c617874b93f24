import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { campaignSteps, findCampaign, loadCampaign } from './campaign-file.js';

const folder = mkdtempSync(join(tmpdir(), 'reclmis-campaign-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const made = (name: string, text: string): string => {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
};
const OWN = 'title: Own\nsource: Ours\nbase: { preset: phantom }\nbest: plain\ncells:\n';
made('own.yaml', `${OWN}  - { name: plain, set: {} }\n  - { name: dry, set: { model.dropout: 0 } }\n`);

describe('a campaign', () => {
  it('goes seed by seed, and trains once what two studies name', () => {
    const file = made(
      'campaign.yaml',
      'title: T\nset: { model.baseWidth: 8, model.imageSize: 32, model.layers: 1 }\nstudies:\n' +
        '  - { study: own.yaml, flips: true }\n  - { study: phantom-smoke, cells: [all, none], seeds: [2] }\n',
    );
    const campaign = loadCampaign(file, { seeds: [2, 5], set: { 'model.baseWidth': 16 } });
    const steps = campaignSteps(campaign, 'out');
    // phantom-smoke/all is own/plain with seed 2; --seeds win over the file's.
    expect(steps.map(({ id }) => id)).toEqual([
      ...['own/plain/seed-2', 'own/plain/seed-2-flips', 'own/dry/seed-2', 'own/dry/seed-2-flips'],
      ...['own/plain/seed-5', 'own/plain/seed-5-flips', 'own/dry/seed-5', 'own/dry/seed-5-flips'],
      ...['phantom-smoke/none/seed-2', 'phantom-smoke/none/seed-5'],
    ]);
    const configs = steps.map(({ task }) => task.config);
    expect(new Set(configs.map(({ model }) => model.baseWidth))).toEqual(new Set([16]));
    expect(new Set(configs.map(({ model }) => model.imageSize))).toEqual(new Set([32]));
    expect(steps[2]?.task.dir).toBe(join('out', 'studies', 'own', 'runs', 'dry', 'seed-2'));
  });

  it('refuses what it does not know', () => {
    const load = (text: string) => () => loadCampaign(made('bad.yaml', text), { set: {} });
    const study = 'studies: [{ study: own.yaml }]\n';
    expect(load(`title: T\nepochs: 3\n${study}`)).toThrow(
      expect.objectContaining({ code: 'CONFIG_UNKNOWN_KEY' }),
    );
    expect(load(`title: T\nset: { train.epoch: 3 }\n${study}`)).toThrow(
      expect.objectContaining({ code: 'CONFIG_UNKNOWN_KEY' }),
    );
    expect(load('title: T\nstudies: [{ study: own.yaml, cells: [wet] }]\n')).toThrow(
      expect.objectContaining({ code: 'OPTION_INVALID' }),
    );
    expect(load('title: T\nstudies: [{ study: own.yaml }, { study: own.yaml }]\n')).toThrow(/own twice/);
    expect(load('title: T\nstudies: []\n')).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
    expect(() => findCampaign(join(folder, 'none.yaml'))).toThrow(
      expect.objectContaining({ code: 'CONFIG_UNREADABLE' }),
    );
  });

  it('of QaTa-COV19 shares the plain run among the tables', () => {
    const steps = campaignSteps(loadCampaign(findCampaign('qata-cov19'), { seeds: [1], set: {} }), 'out');
    const runs = steps.filter(({ kind }) => kind === 'run').map(({ id }) => id);
    const cells = { recipes: 5, components: 4, conditions: 4, interaction: 3 }; // 5, 5 and 4 with the plain one
    for (const [study, count] of Object.entries(cells))
      expect(runs.filter((id) => id.startsWith(`${study}/`))).toHaveLength(count);
  });
});
