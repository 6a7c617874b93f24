#!/usr/bin/env node
/**
 * Builds the documentation as a static site: all Markdown pages, API pages of the packages, and the sources they link to.
 * It needs no network to build or to view, and ends with status 1 on a warning of TypeDoc or a broken link.
 *
 *   npm run docs [-- --out DIR]     default: site/
 *   npm run docs -- --versions DIR  as DIR/VERSION, next to other versions, with a switch between them
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildPages } from './site/build.mjs';
import { brokenLinks } from './site/links.mjs';
import { stagePages } from './site/stage.mjs';
import { writeSources } from './site/sources.mjs';
import { writeVersions } from './site/versions.mjs';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const { values } = parseArgs({
  options: { out: { type: 'string', default: join(ROOT, 'site') }, versions: { type: 'string' } },
});
const all = values.versions === undefined ? null : resolve(values.versions);
const { version } = JSON.parse(readFileSync(join(ROOT, 'packages/core/package.json'), 'utf8'));
const out = all === null ? resolve(values.out) : join(all, version);
const stage = mkdtempSync(join(tmpdir(), 'reclmis-site-'));

try {
  const pages = stagePages(ROOT, stage);
  if (all !== null) mkdirSync(all, { recursive: true });
  await buildPages({ root: ROOT, stage, pages, out, versioned: all !== null });
  writeSources(ROOT, out);
  const broken = brokenLinks(out);
  for (const line of broken) console.error(`site: ${line}`);
  if (broken.length > 0) throw new Error(`${broken.length} broken links`);
  if (all !== null) console.log(`site: versions ${writeVersions(all).join(', ')}`);
  console.log(`site: ${join(out, 'index.html')}`);
} catch (error) {
  console.error(`site: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
} finally {
  rmSync(stage, { recursive: true, force: true });
}
