/**
 * Pages in a real Chromium and a server without a token: its own page works, foreign pages and rebound names
 * get 403. Skipped without Chromium.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodePng } from '@reclmis/files';
import { loadModel, type Model } from '@reclmis/runtime';
import { createServer as serveModel, type ReclmisServer } from '@reclmis/server';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CHROMIUM } from './browser-page.js';
import { makeSmallModel } from './small-model.js';

const NOTE = 'one infected area, upper left lung.';

describe.skipIf(!CHROMIUM)('a server without a token', () => {
  const root = mkdtempSync(join(tmpdir(), 'reclmis-foreign-'));
  let model: Model;
  let server: ReclmisServer;
  let evil: Server;
  let browser: Browser;
  let port = '';
  let form = '';

  beforeAll(async () => {
    model = await loadModel((await makeSmallModel(root)).model, { threads: 1 });
    server = await serveModel(model, { version: '1' });
    ({ port } = new URL(await server.listen('127.0.0.1', 0)));
    const png = await encodePng({ width: 40, height: 30, data: new Uint8Array(3 * 1200).fill(90) }, 3);
    form = `(() => { const form = new FormData();
      const bytes = Uint8Array.from(atob('${Buffer.from(png).toString('base64')}'), (c) => c.charCodeAt(0));
      form.append('image', new Blob([bytes], { type: 'image/png' }), 'x.png');
      form.append('note', '${NOTE}');
      return form; })()`;
    evil = createServer((_, response) =>
      response.setHeader('content-type', 'text/html').end('<title>evil</title>'),
    );
    await new Promise<void>((resolve) => evil.listen(0, '127.0.0.1', resolve));
    browser = await chromium.launch({
      executablePath: CHROMIUM ?? '',
      args: ['--no-sandbox', '--disable-gpu', '--host-resolver-rules=MAP evil.test 127.0.0.1'],
    });
  });
  afterAll(async () => {
    await browser.close();
    evil.close();
    await server.stop();
    await model.dispose();
    rmSync(root, { recursive: true, force: true });
  });

  /** By route and status. */
  async function counted(): Promise<string[]> {
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    return [...text.matchAll(/^reclmis_http_requests_total\{[^}]*route="([^"]*)",status="(\d+)"\} (\d+)$/gm)]
      .map(([, route, status, count]) => `${route} ${status} ${count}`)
      .filter((line) => !line.startsWith('/metrics 200'));
  }

  it('refuses requests of a foreign page', async () => {
    const page = await browser.newPage();
    await page.goto(`http://evil.test:${(evil.address() as AddressInfo).port}/`);
    const kinds = await page.evaluate(`(async () => {
      const to = (path, init) => fetch('http://127.0.0.1:${port}' + path, init).then(({ type }) => type, () => 'failed');
      const body = JSON.stringify({ inputs: [{ name: 'text', datatype: 'BYTES', shape: [1], data: ['left lung'] }] });
      const infer = '/v2/models/text-encoder/infer';
      return [
        await to('/segment', { method: 'POST', mode: 'no-cors', body: ${form} }),
        await to(infer, { method: 'POST', mode: 'no-cors', headers: { 'content-type': 'text/plain' }, body }),
        await to(infer, { method: 'POST', mode: 'no-cors', body: new Blob([body]) }),
        await to('/metrics', { mode: 'no-cors' }),
        await to('/segment', { method: 'POST', body: ${form} }),
        await to(infer, { method: 'POST', headers: { 'content-type': 'application/json' }, body }),
      ]; })()`);
    expect(kinds).toEqual(['opaque', 'opaque', 'opaque', 'opaque', 'failed', 'failed']);
    const lines = await counted();
    expect(lines.filter((line) => !/ 403 /.test(line))).toEqual([]);
    expect(lines.join()).toMatch(/\/segment 403 2/);
    await page.close();
  });

  it('refuses a rebound name', async () => {
    const page = await browser.newPage();
    const opened = await page.goto(`http://evil.test:${port}/v2`);
    expect(opened?.status()).toBe(403);
    const seen = await page.evaluate(`(async () => {
      const status = async (path, init) => (await fetch(path, init)).status;
      return [await status('/segment', { method: 'POST', body: ${form} }), await status('/metrics'), await status('/v2/health/live')];
    })()`);
    expect(seen).toEqual([403, 403, 403]);
    await page.close();
  });

  it('serves its own page and form', async () => {
    for (const host of ['127.0.0.1', 'localhost']) {
      const page = await browser.newPage();
      expect((await page.goto(`http://${host}:${port}/v2`))?.status()).toBe(200);
      const status = await page.evaluate(
        `fetch('/segment', { method: 'POST', body: ${form} }).then(({ status }) => status)`,
      );
      expect(status).toBe(200);
      expect((await page.goto(`http://${host}:${port}/docs`))?.status()).toBe(200);
      const png = await encodePng({ width: 8, height: 8, data: new Uint8Array(192).fill(90) }, 3);
      await page.setInputFiles('input[name=image]', {
        name: 'x.png',
        mimeType: 'image/png',
        buffer: Buffer.from(png),
      });
      await page.fill('textarea[name=note]', NOTE);
      const [answer] = await Promise.all([
        page.context().waitForEvent('response', (r) => r.url().endsWith('/segment')),
        page.click('button'),
      ]);
      expect([answer.request().method(), answer.status()]).toEqual(['POST', 200]);
      await page.close();
    }
  });
});
