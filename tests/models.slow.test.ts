/** docs/models.md: a section with a drawing for each model, and each drawing as the model runs today. */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { modelNames } from '@reclmis/lab';
import { afterAll, describe, expect, it } from 'vitest';
import { ROOT } from './markdown.js';

const MINUTES = 600_000;
const copy = mkdtempSync(join(tmpdir(), 'reclmis-drawings-'));
afterAll(() => rmSync(copy, { recursive: true, force: true }));

describe.skipIf(!process.env['RECLMIS_SLOW'])('the drawings of docs/models.md', () => {
  it(
    'are those of the models as they run',
    () => {
      expect(() =>
        execFileSync('node', ['scripts/model-drawings.mjs', '--check'], { cwd: ROOT }),
      ).not.toThrow();
      const page = readFileSync(join(ROOT, 'docs/models.md'), 'utf8');
      for (const name of modelNames())
        expect(page).toContain(`<!-- drawing: ${name} -->\n\n\`\`\`mermaid\nflowchart TD\n  image`);
    },
    MINUTES,
  );

  it(
    'are noticed once they are others',
    () => {
      for (const folder of ['scripts', 'docs'])
        cpSync(join(ROOT, folder), join(copy, folder), { recursive: true });
      symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
      const page = join(copy, 'docs/models.md');
      writeFileSync(
        page,
        readFileSync(page, 'utf8').replaceAll('inc<br/>64 × 224 × 224', 'inc<br/>32 × 224 × 224'),
      );
      const { status, stderr } = spawnSync('node', ['scripts/model-drawings.mjs', '--check', 'unet'], {
        cwd: copy,
        encoding: 'utf8',
      });
      expect(status).toBe(1);
      expect(stderr).toContain('stale: unet; run `npm run generate:models`');
    },
    MINUTES,
  );
});
