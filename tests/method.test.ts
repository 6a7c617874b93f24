/** docs/method.md: files hold what it says, and citations of it name sections that exist. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const page = readFileSync(join(root, 'docs/method.md'), 'utf8');

/** Places such as "`model/plam.ts` `PixelLevelAttention` · paper section 3.1", one per heading. */
const places = [...page.matchAll(/^## \d+\. .*\n\n(`[\w/-]+\.ts`.*)$/gm)].map(([, line = '']) => line);

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory())
      return ['dist', 'build', 'node_modules'].includes(entry.name) ? [] : sources(path);
    return /\.(?:ts|cc|h|mjs)$/.test(entry.name) ? [path] : [];
  });
}

it('says where each part of the method lives', () => {
  expect(places).toHaveLength([...page.matchAll(/^## \d+\. /gm)].length - 1); // upstream's defects have no place
  const stated: string[] = [];
  const missing: string[] = [];
  for (const line of places) {
    let file = '';
    for (const [, quoted = ''] of (line.split(' · ')[0] ?? '').matchAll(/`([^`]+)`/g)) {
      if (quoted.endsWith('.ts')) {
        file = readFileSync(
          join(root, quoted.startsWith('packages/') ? '' : 'packages/lab/src', quoted),
          'utf8',
        );
        continue;
      }
      stated.push(quoted);
      if (!new RegExp(`\\b(?:function|class|const|protected) ${quoted}\\b`).test(file)) missing.push(quoted);
    }
  }
  expect(missing).toEqual([]);
  expect(stated.length).toBeGreaterThan(25);
});

it('has every section that the sources cite', () => {
  const sections = new Set([...page.matchAll(/^## (\d+)\. /gm)].map(([, number]) => number));
  let citations = 0;
  const wrong: string[] = [];
  for (const path of sources(join(root, 'packages'))) {
    const text = readFileSync(path, 'utf8');
    for (const [cited, numbers = ''] of text.matchAll(/docs\/method\.md((?:(?:,? | to | and )\d+)*)/g)) {
      citations += 1;
      for (const [number] of numbers.matchAll(/\d+/g))
        if (!sections.has(number)) wrong.push(`${path}: ${cited}`);
    }
  }
  expect(wrong).toEqual([]);
  expect(citations).toBeGreaterThan(40);
});
