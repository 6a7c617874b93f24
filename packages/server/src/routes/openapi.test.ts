/** Checks the API's description by Redocly's recommended rules, and its page. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { send, serving } from '../testing.js';

const REDOCLY = fileURLToPath(new URL('../../../../node_modules/@redocly/cli/bin/cli.js', import.meta.url));
const root = mkdtempSync(join(tmpdir(), 'reclmis-openapi-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function problemsOf(document: unknown): Promise<string[]> {
  const file = join(root, 'openapi.json');
  writeFileSync(file, JSON.stringify(document));
  const lint = promisify(execFile)(
    process.execPath,
    [REDOCLY, 'lint', file, '--extends', 'recommended', '--format', 'json'],
    {
      cwd: root, // ignores the user's configuration
      env: {
        ...process.env,
        HOME: root,
        REDOCLY_TELEMETRY: 'off',
        REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true',
      },
    },
  );
  const { stdout } = await lint.catch((error: unknown) => error as { stdout: string }); // fails if a rule is broken
  const { problems } = JSON.parse(stdout) as {
    problems: { ruleId: string; location: { pointer?: string }[] }[];
  };
  return problems.map(({ ruleId, location }) => `${ruleId} at ${location[0]?.pointer ?? '?'}`);
}

interface Operation {
  operationId?: string;
  responses: Record<string, { description?: string }>;
}

describe('openapi.json', () => {
  it('passes the recommended rules of Redocly', async () => {
    const document = await serving({}, async ({ url }) => (await send(`${url}/openapi.json`)).json());
    expect(await problemsOf(document)).toEqual([]);
    const { post } = (document['paths'] as Record<string, Record<string, Operation>>)['/segment']!;
    delete post!.operationId;
    delete post!.responses['200']!.description;
    const broken = await problemsOf(document);
    expect(broken.map((problem) => problem.split(' ')[0]).sort()).toEqual([
      'operation-operationId',
      'struct',
    ]);
  });

  it('is shown on the page with sides, warnings and the header that names them', async () => {
    await serving({}, async ({ url }) => {
      const page = (await send(`${url}/docs`)).body.toString();
      const segment = page.slice(page.indexOf('<code>/segment</code>'), page.indexOf('<code>/v2</code>'));
      expect(segment).toContain('<dt><code>sides</code> <small>string (patient, image)</small></dt>');
      expect(segment).toContain('<code>mirrored</code>');
      expect(segment).toContain('<dt><code>warnings</code> <small>array</small></dt>');
      expect(segment).toContain('SIDES_UNKNOWN');
      expect(segment).toContain('<dt><code>Reclmis-Warnings</code> <small>header</small></dt>');
      const infer = page.slice(page.indexOf('Run a model on tensors'));
      expect(infer).toContain('its parameter sides states whose left and right the text means');
      expect(infer).toContain('warning_messages');
      expect(infer).toContain('<dt><code>Reclmis-Warnings</code> <small>header</small></dt>');
    });
  });
});
