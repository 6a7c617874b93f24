/** The policy of formats: every version of the table has a kept file, and docs/reference/formats.md tells of every format. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FILE_FORMATS, type FileFormat } from '@reclmis/core';
import { describe, expect, it } from 'vitest';
import { readPage, ROOT } from './markdown.js';

const FIXTURES = join(ROOT, 'tests/fixtures/formats');
const names = Object.keys(FILE_FORMATS) as FileFormat[];
const versions = names.flatMap((name) => FILE_FORMATS[name].map((version) => `${name}-${version}`));
/** Rows of the page's tables: the format in the first cell, the versions in the second. */
const rows = readPage('docs/reference/formats.md').prose.flatMap((line) => {
  const found = /^\| `reclmis-([a-z-]+)` *\| *([\d, ]+?) *\|/.exec(line);
  return found ? [[found[1] ?? '', (found[2] ?? '').split(', ').map(Number)] as const] : [];
});

describe('every format that is read again', () => {
  it.each(versions)('has a kept file of %s', (version) => {
    const files = readdirSync(FIXTURES).filter((name) => name.startsWith(`${version}.`));
    expect(files.length).toBeGreaterThan(0);
    expect(readdirSync(FIXTURES).filter((name) => !versions.includes(name.split('.')[0] ?? ''))).toEqual([]);
  });

  it.each(versions)('%s is read by a test next to its reader', (version) => {
    const sources = sourceFiles(/\.test\.ts$/);
    const [name = '', number = ''] = version.split(/-(?=\d+$)/);
    const readers = sources.filter(
      ({ text }) => text.includes('fixtures/formats') && namesFixture(text, name, number),
    );
    expect(readers.map(({ path }) => path)).not.toEqual([]);
  });

  it('is told with its versions', () => {
    expect(rows.filter(([name]) => names.includes(name as FileFormat))).toEqual(
      names.map((name) => [name, [...FILE_FORMATS[name]]]),
    );
  });
});

it('every format that the sources state is on the page', () => {
  const stated = new Set(
    sourceFiles(/(?<!\.test)\.tsx?$/).flatMap(({ text }) =>
      [...text.matchAll(/'reclmis-([a-z-]+)\/\d+'/g)].map(([, name = '']) => name),
    ),
  );
  expect(stated.size).toBeGreaterThan(8);
  const told = rows.map(([name]) => name);
  expect([...stated].filter((name) => !told.includes(name))).toEqual([]);
});

/** Literally, or by a table of versions: `model-${version}`, `${name}-1.json`. */
function namesFixture(text: string, name: string, number: string): boolean {
  const literal = text.includes(`${name}-${number}.`) || text.includes(`\`${name}-\${version}\``);
  const byName = new RegExp(`'${name}'`).test(text) && text.includes(`\${name}-${number}.`);
  return literal || byName;
}

function sourceFiles(pattern: RegExp): { path: string; text: string }[] {
  const packages = join(ROOT, 'packages');
  return readdirSync(packages, { recursive: true, encoding: 'utf8' })
    .filter(
      (path) => /^[^/\\]+[/\\]src[/\\]/.test(path) && pattern.test(path) && !/[/\\]testing[/\\]/.test(path),
    )
    .map((path) => ({ path, text: readFileSync(join(packages, path), 'utf8') }));
}
