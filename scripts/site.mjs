#!/usr/bin/env node
/**
 * Builds the documentation as a static site: all Markdown pages, API pages of the packages, and the sources they link to.
 * It needs no network to build or to view, and ends with status 1 on a warning of TypeDoc or a broken link.
 *
 *   npm run docs [-- --out DIR]     default: site/
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildPages } from './site/build.mjs';
import { brokenLinks } from './site/links.mjs';
import { stagePages } from './site/stage.mjs';
import { writeSources } from './site/sources.mjs';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const { values } = parseArgs({ options: { out: { type: 'string', default: join(ROOT, 'site') } } });
const out = resolve(values.out);
const stage = mkdtempSync(join(tmpdir(), 'reclmis-site-'));

try {
  const pages = stagePages(ROOT, stage);
  await buildPages({ root: ROOT, stage, pages, out });
  writeSources(ROOT, out);
  const broken = brokenLinks(out);
  for (const line of broken) console.error(`site: ${line}`);
  if (broken.length > 0) throw new Error(`${broken.length} broken links`);
  console.log(`site: ${join(out, 'index.html')}`);
} catch (error) {
  console.error(`site: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
} finally {
  rmSync(stage, { recursive: true, force: true });
}
