/** The documentation as a site: built whole, every link followed, and links that were broken on purpose found. */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { VERSION } from '@reclmis/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CHROMIUM, openPage } from './browser-page.js';
import { pagesBelow, ROOT } from './markdown.js';

const folder = mkdtempSync(join(tmpdir(), 'reclmis-site-test-'));
const all = join(folder, 'all');
const site = join(all, VERSION);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.skipIf(process.env['RECLMIS_SLOW'] !== '1')('npm run docs (RECLMIS_SLOW=1)', () => {
  beforeAll(() => {
    const { status, stderr } = node('scripts/site.mjs', '--versions', all);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  }, 600_000);

  it('has a page for every page of Markdown and for every package', () => {
    const pages = [...pagesBelow('docs'), 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md'];
    const missing = pages
      .map((path) => path.replace(/\.md$/, '.html'))
      .concat(
        ['core', 'files', 'data', 'torch', 'lab', 'export', 'predict', 'runtime', 'server'].map(
          (name) => `api/${name}.html`,
        ),
      )
      .filter((path) => !existsSync(join(site, path)));
    expect(missing).toEqual([]);
  });

  it('leads from a guide to the source and to the API', () => {
    const read = (path: string): string => readFileSync(join(site, path), 'utf8');
    expect(read('docs/guide/runtime.html')).toContain('href="../../source/examples/node/segment.mjs.html"');
    expect(read('docs/README.html')).toContain('href="../api/runtime.html"');
    expect(read('api/runtime/loadModel.html')).toMatch(
      /href="\.\.\/\.\.\/source\/packages\/runtime\/src\/[\w/-]+\.ts\.html#L\d+"/,
    );
  });

  it.each([
    ['a missing page', 'own-data', 'href="train.html"', 'href="trian.html"', 'trian.html: no such file'],
    ['a missing heading', 'first-run', 'href="#libtorch"', 'href="#libtroch"', '#libtroch: no such anchor'],
    ['a script from elsewhere', 'own-data', '<script defer src="', '<script defer src="https://example.org/', 'is loaded from elsewhere'], // prettier-ignore
  ])('finds %s', (_, name, right, wrong, said) => {
    const copy = join(folder, 'copy');
    rmSync(copy, { recursive: true, force: true });
    cpSync(site, copy, { recursive: true });
    const page = join(copy, `docs/guide/${name}.html`);
    const html = readFileSync(page, 'utf8');
    expect(html).toContain(right);
    writeFileSync(page, html.replace(right, wrong));
    const { status, stderr } = node('scripts/site/links.mjs', copy);
    expect(status).toBe(1);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toContain(`docs/guide/${name}.html: `);
    expect(stderr).toContain(said);
  });

  it.skipIf(CHROMIUM === null)('opens in a browser: guides first, no wider than a phone', async () => {
    const { page, url, close } = await openPage({ folders: { '/': all }, isolated: false });
    try {
      const failed: string[] = [];
      page.on('response', (response) => {
        if (!response.ok()) failed.push(response.url());
      });
      page.on('request', (request) => {
        if (!request.url().startsWith(url) && !request.url().startsWith('data:')) failed.push(request.url());
      });
      await page.setViewportSize({ width: 390, height: 800 });
      const paths = [
        'index.html',
        'docs/reference/settings.html',
        'docs/architecture.html',
        'api/runtime.html',
      ];
      for (const path of paths) {
        await page.goto(`${url}${VERSION}/${path}`);
        await page.waitForSelector('.tsd-navigation summary', { state: 'attached' });
        expect(await page.evaluate(() => document.documentElement.scrollWidth), path).toBeLessThanOrEqual(
          390,
        );
      }
      const groups = await page.evaluate(() =>
        [...document.querySelectorAll('.tsd-navigation > ul > li > details > summary')].map((group) =>
          (group.textContent || '').trim(),
        ),
      );
      expect(groups).toEqual(['Guides', 'Reference', 'Measurements', 'How it works', 'Project', 'API']);
      expect(await page.getByRole('combobox', { name: 'Version' }).inputValue()).toBe(VERSION);
      await page.getByRole('button', { name: 'Search' }).click();
      await page.keyboard.type('starting weights');
      await page.locator('#tsd-search-results a[href*="docs/guide/starting-weights.html"]').first().waitFor();
      expect(failed).toEqual([]);
    } finally {
      await close();
    }
  });
});

/** Runs a script of the repository. */
function node(...args: readonly string[]): { status: number | null; stderr: string } {
  const { status, stderr } = spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' });
  return { status, stderr };
}
