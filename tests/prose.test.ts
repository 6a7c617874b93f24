/** Doc comments start with what the thing is, never with "Of", and use plain words. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../packages', import.meta.url));
const textsIn = (folder: string, own: RegExp): { path: string; text: string }[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => own.test(path))
    .map((path) => ({ path, text: readFileSync(join(folder, path), 'utf8') }));
const sources = textsIn(root, /^[a-z]+[\\/]src[\\/].*\.tsx?$/);
const others = ['bench', 'scripts', 'tests'].flatMap((folder) =>
  textsIn(join(root, '..', folder), /^(?!dist[\\/]).*\.(?:ts|mjs)$/),
);

it('finds the sources', () => {
  expect(sources.length).toBeGreaterThan(300);
  expect(others.length).toBeGreaterThan(100);
});

it('sees a doc comment that starts with "Of"', () => {
  expect(startsWithOf('/** Of the image. */')).toBe(true);
  expect(startsWithOf('/**\n * Of the image.\n */')).toBe(true);
  expect(startsWithOf('/** Size of the image. */')).toBe(false);
});

it('has no doc comment that starts with "Of"', () => {
  const all = [...sources, ...others.filter(({ path }) => path !== 'prose.test.ts')];
  expect(all.filter(({ text }) => startsWithOf(text)).map(({ path }) => path)).toEqual([]);
});

it('avoids words that have a plainer one', () => {
  const found = sources
    .filter(({ path }) => !/\.test\.tsx?$/.test(path))
    .flatMap(({ path, text }) =>
      [...text.matchAll(/\b(?:anew|by turns|whosever|parted by|at hand)\b/g)].map(
        ([word]) => `${path}: ${word}`,
      ),
    );
  expect(found).toEqual([]);
});

function startsWithOf(text: string): boolean {
  return /\/\*\*\s+(?:\* )?Of\s/.test(text);
}
