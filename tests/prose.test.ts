/** Doc comments start with what the thing is, never with "Of", and use plain words. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../packages', import.meta.url));
const sources = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((path) => /^[a-z]+[\\/]src[\\/].*\.tsx?$/.test(path))
  .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));

it('finds the sources', () => {
  expect(sources.length).toBeGreaterThan(300);
});

it('sees a doc comment that starts with "Of"', () => {
  expect(startsWithOf('/** Of the image. */')).toBe(true);
  expect(startsWithOf('/**\n * Of the image.\n */')).toBe(true);
  expect(startsWithOf('/** Size of the image. */')).toBe(false);
});

it('has no doc comment that starts with "Of"', () => {
  expect(sources.filter(({ text }) => startsWithOf(text)).map(({ path }) => path)).toEqual([]);
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
