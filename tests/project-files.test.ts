/** The files that a code host and citing readers use: they parse, and say what is true. */
import { accessSync, constants, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { VERSION } from '@reclmis/core';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { readPage, relativeLinks, ROOT } from './markdown.js';

const yaml = (path: string): Record<string, unknown> =>
  parse(readFileSync(join(ROOT, path), 'utf8')) as Record<string, unknown>;

describe('CITATION.cff', () => {
  it('has the version and licence of the packages, and the paper', () => {
    const { license } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { license: string };
    const cff = yaml('CITATION.cff');
    expect(cff).toMatchObject({ 'cff-version': '1.2.0', type: 'software', version: VERSION, license });
    // required by the format
    for (const key of ['message', 'title', 'authors']) expect(cff[key]).toBeTruthy();
    expect(cff['preferred-citation']).toMatchObject({
      type: 'article',
      url: 'https://arxiv.org/abs/2404.02845',
    });
    expect(readFileSync(join(ROOT, 'README.md'), 'utf8')).toContain('https://arxiv.org/abs/2404.02845');
  });
});

describe('issue templates', () => {
  const folder = '.github/ISSUE_TEMPLATE';

  it('have a name, a description and fields with ids of their own', () => {
    for (const name of readdirSync(join(ROOT, folder)).filter((one) => one !== 'config.yml')) {
      const { name: title, description, body } = yaml(`${folder}/${name}`);
      expect([typeof title, typeof description]).toEqual(['string', 'string']);
      const ids = (body as { id?: string }[]).flatMap(({ id }) => id ?? []);
      expect(new Set(ids).size).toBe(ids.length);
    }
  });

  it('ask for a doctor’s report and warn of patient data', () => {
    const text = readFileSync(join(ROOT, folder, 'bug.yml'), 'utf8');
    expect(text).toContain('reclmis doctor --json');
    expect(text).toMatch(/No patient data/);
    expect(readFileSync(join(ROOT, folder, 'feature.yml'), 'utf8')).toMatch(/no data of patients/);
  });
});

describe('the workflow', () => {
  it('runs what everyone runs, which exists', () => {
    const { jobs } = yaml('.github/workflows/ci.yml') as { jobs: { run: { steps: { run?: string }[] } } };
    const commands = jobs.run.steps.flatMap(({ run }) => run ?? []);
    expect(commands.at(-1)).toBe('.ci/run');
    expect(() => accessSync(join(ROOT, '.ci/run'), constants.X_OK)).not.toThrow();
  });
});

it('the code of conduct leads to files that exist', () => {
  const links = relativeLinks(readPage('CODE_OF_CONDUCT.md'));
  expect(links).toContain('SECURITY.md');
  expect(links.filter((link) => !existsSync(join(ROOT, link)))).toEqual([]);
});
