/** Secrets in files. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { isOpenToAll, readSecret } from './secret-file.js';

const folder = mkdtempSync(join(tmpdir(), 'reclmis-secret-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = join(folder, 'secret');

it.each([
  ['word', 'word'],
  ['two words \n', 'two words '],
  ['sécret\r\n', 'sécret'],
])('%j holds %j', async (content, secret) => {
  writeFileSync(file, content);
  expect(await readSecret('--password-file', file)).toBe(secret);
});

it.each(['', '\n', 'a\nb', 'a\n\n'])('refuses %j without repeating it', async (content) => {
  writeFileSync(file, content);
  await expect(readSecret('--password-file', file)).rejects.toMatchObject({
    code: 'OPTION_INVALID',
    message: `--password-file ${file}: expected one line, got none or several`,
  });
});

it('refuses folders and missing files', async () => {
  for (const path of [folder, join(folder, 'none')])
    await expect(readSecret('--token-file', path)).rejects.toMatchObject({ code: 'OPTION_INVALID' });
});

it.skipIf(process.platform === 'win32')('knows who may read it', async () => {
  writeFileSync(file, 'x');
  chmodSync(file, 0o600);
  expect(await isOpenToAll(file)).toBe(false);
  chmodSync(file, 0o644);
  expect(await isOpenToAll(file)).toBe(true);
  expect(await isOpenToAll(join(folder, 'none'))).toBe(false);
});
