/** Error and warning codes: the pages list all, all are used, and no others. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ERRORS, isErrorCode, isWarningCode, WARNINGS } from '@reclmis/core';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const page = readFileSync(join(root, 'docs/reference/errors.md'), 'utf8');
const codes = Object.keys(ERRORS).sort();

/** Without tests and the catalogue. */
const sources = readdirSync(join(root, 'packages'), { recursive: true, encoding: 'utf8' })
  .filter((path) => /^[a-z]+[\\/]src[\\/].*\.tsx?$/.test(path) && !/\.test\.tsx?$/.test(path))
  .filter((path) => !/core[\\/]src[\\/](errors|warnings)\.ts$/.test(path))
  .map((path) => ({ path, text: readFileSync(join(root, 'packages', path), 'utf8') }));

/** Scripts that run before anything is built print codes themselves. */
const scripts = readdirSync(join(root, 'scripts'))
  .filter((name) => /\.(mjs|sh)$/.test(name))
  .map((name) => join('scripts', name))
  .concat('packages/cli/bin/reclmis.js', 'packages/torch/scripts/build-addon.mjs')
  .map((path) => readFileSync(join(root, path), 'utf8'));

describe('docs/reference/errors.md', () => {
  it('has a section for every code, in alphabetical order, and no other', () => {
    const sections = [...page.matchAll(/^### (\S+)$/gm)].map(([, code]) => code);
    expect(sections).toEqual(codes);
  });

  it.each(codes.filter(isErrorCode))(
    '%s: states meaning, remedy and exit status of the catalogue',
    (code) => {
      const section = page.split(`### ${code}\n`)[1]?.split('\n### ')[0] ?? '';
      const { meaning, remedy, exitCode } = ERRORS[code];
      expect(section.trim()).toBe(`${meaning}\n\n- Remedy: ${remedy}\n- Exit status: ${exitCode}`);
    },
  );
});

describe('docs/reference/warnings.md', () => {
  const warnings = readFileSync(join(root, 'docs/reference/warnings.md'), 'utf8');
  const known = Object.keys(WARNINGS).filter(isWarningCode);

  it('has a section for every code and no other', () => {
    const sections = [...warnings.matchAll(/^### (\S+)$/gm)].map(([, code]) => code);
    expect(sections.sort()).toEqual([...known].sort());
  });

  it.each(known)('%s: states meaning and remedy of the catalogue', (code) => {
    const section = warnings.split(`### ${code}\n`)[1]?.split('\n##')[0] ?? '';
    const { meaning, remedy } = WARNINGS[code];
    expect(section.trim()).toBe(`${meaning}\n\n- Remedy: ${remedy}`);
  });

  it('has no code that the errors have too', () => {
    expect(known.filter((code) => isErrorCode(code))).toEqual([]);
  });

  it('lists only codes that the sources use', () => {
    expect(known.filter((code) => !sources.some(({ text }) => text.includes(`'${code}'`)))).toEqual([]);
  });
});

describe('the sources', () => {
  it('are found', () => {
    expect(sources.length).toBeGreaterThan(20);
  });

  it('throw every code of the catalogue somewhere', () => {
    const unused = codes.filter(
      (code) =>
        !sources.some(({ text }) => text.includes(`'${code}'`)) &&
        !scripts.some((text) => text.includes(`error ${code}: `) || text.includes(`fail('${code}'`)),
    );
    expect(unused, 'codes that neither sources nor scripts raise: remove them from the catalogue').toEqual(
      [],
    );
  });

  it('name no code that the catalogue lacks', () => {
    // TypeScript checks `new ReclmisError(...)`; this checks docstrings.
    const named = sources.flatMap(({ path, text }) =>
      [...text.matchAll(/@throws \{?@?(?:link )?`?([A-Z]+(?:_[A-Z]+)+)\b/g)].map(([, code = '']) => ({
        path,
        code,
      })),
    );
    expect(named.filter(({ code }) => !isErrorCode(code))).toEqual([]);
  });
});
