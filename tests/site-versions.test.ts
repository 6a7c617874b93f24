/** A site of several versions: what lies above them, and the switch between them in a browser. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CHROMIUM, openPage } from './browser-page.js';
import { ROOT } from './markdown.js';

const site = mkdtempSync(join(tmpdir(), 'reclmis-versions-'));
afterAll(() => rmSync(site, { recursive: true, force: true }));

/** A page as TypeDoc makes it: the way to the root, a toolbar, the script. */
function page(version: string, path: string): void {
  const up = '../'.repeat(path.split('/').length - 1);
  const file = join(site, version, path);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(
    file,
    `<!doctype html><html data-base="${up || './'}"><meta charset="utf-8"><title>${version} ${path}</title>` +
      `<div class="tsd-toolbar-contents"></div><script src="${up}assets/custom.js"></script></html>`,
  );
}

beforeAll(() => {
  for (const version of ['0.1.0', '0.10.0', '0.9.0']) {
    page(version, 'index.html');
    mkdirSync(join(site, version, 'assets'));
    writeFileSync(
      join(site, version, 'assets/custom.js'),
      readFileSync(join(ROOT, 'scripts/site/switch.js')),
    );
  }
  for (const version of ['0.1.0', '0.10.0']) page(version, 'docs/guide/train.html');
  mkdirSync(join(site, '1.0.0')); // not built
  mkdirSync(join(site, 'notes'));
  const code = `import { writeVersions } from './scripts/site/versions.mjs'; console.log(writeVersions(process.argv[1]).join());`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code, site], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  expect({ status, stderr, stdout: stdout.trim() }).toEqual({
    status: 0,
    stderr: '',
    stdout: '0.10.0,0.9.0,0.1.0',
  });
});

describe('above the versions', () => {
  it('are their list, newest first, and the way to the newest', () => {
    expect(readFileSync(join(site, 'versions.js'), 'utf8')).toBe(
      'window.reclmisVersions = ["0.10.0","0.9.0","0.1.0"];\n',
    );
    expect(readFileSync(join(site, 'index.html'), 'utf8')).toContain('url=0.10.0/index.html');
    expect(existsSync(join(site, '.nojekyll'))).toBe(true);
  });
});

describe.skipIf(CHROMIUM === null)('the switch, in Chromium', () => {
  it('leads to the same page of another version, or to its first', async () => {
    const { page: tab, url, close } = await openPage({ folders: { '/': site }, isolated: false });
    try {
      await tab.goto(`${url}0.1.0/docs/guide/train.html`);
      const select = tab.getByRole('combobox', { name: 'Version' });
      expect(await select.inputValue()).toBe('0.1.0');
      expect(await select.locator('option').allTextContents()).toEqual(['0.10.0', '0.9.0', '0.1.0']);
      await select.selectOption('0.10.0');
      await tab.waitForURL(`${url}0.10.0/docs/guide/train.html`);
      expect(await select.inputValue()).toBe('0.10.0');
      await select.selectOption('0.9.0'); // has no such page
      await tab.waitForURL(`${url}0.9.0/index.html`);
      expect(await tab.title()).toBe('0.9.0 index.html');
    } finally {
      await close();
    }
  });
});
