/** A real Chromium on a page with the runtime, bundled by Vite and served with the headers for threads. */
import { accessSync, constants } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RgbImage } from '@reclmis/core';
import type * as Runtime from '@reclmis/runtime';
import { chromium, type Page } from 'playwright-core';
import { build } from 'vite';

declare global {
  // Set by `page/index.html`.
  var runtime: typeof Runtime;
  var decodeInBrowser: (image: Uint8Array, options: { maxPixels: number }) => Promise<{ image: RgbImage }>;
  var codeOf: (work: Promise<unknown>) => Promise<string>;
}

const FLAGS = [
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
/** On the processor. */
const SOFTWARE_WEBGL = ['--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader'];
/** On the processor: slow, a fallback adapter, but the same shaders. */
const SOFTWARE_WEBGPU = [
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  '--disable-gpu-watchdog',
];
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.svg': 'image/svg+xml',
  '.css': 'text/css',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
  '.png': 'image/png',
};
/** Without them a page has one thread. */
const ISOLATION = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

/** `RECLMIS_CHROMIUM`, otherwise Debian's; null without Chromium. */
export const CHROMIUM = findChromium();

function findChromium(): string | null {
  const path = process.env['RECLMIS_CHROMIUM'] ?? '/usr/bin/chromium';
  try {
    accessSync(path, constants.X_OK);
    return path;
  } catch {
    return null;
  }
}

export const ORT_FILES = dirname(fileURLToPath(import.meta.resolve('onnxruntime-web')));

/** A page that sets `globalThis.runtime`. */
export const RUNTIME_PAGE = fileURLToPath(new URL('../page', import.meta.url));

/** Bundles the page in a folder, with its vite.config.mjs if any. */
export async function bundle(root: string, out: string): Promise<void> {
  await build({
    root,
    logLevel: 'error',
    build: { outDir: out, emptyOutDir: true, reportCompressedSize: false },
  });
}

export interface OpenPage {
  readonly page: Page;
  readonly url: string;
  readonly close: () => Promise<void>;
}

export interface PageOptions {
  /** Folders by URL path; '/' is the page. */
  readonly folders: Readonly<Record<string, string>>;
  /** Send the headers for threads. Default true. */
  readonly isolated?: boolean;
  /** Content-Security-Policy of every answer, which workers obey too. Default none. */
  readonly policy?: string;
  /** Default false: only canvas. */
  readonly webgl?: boolean;
  /** Default false. */
  readonly webgpu?: boolean;
}

/** Serves folders on a free loopback port and opens '/' in a new Chromium. */
export async function openPage({
  folders,
  isolated = true,
  policy,
  webgl = false,
  webgpu = false,
}: PageOptions): Promise<OpenPage> {
  const headers = {
    ...(isolated ? ISOLATION : {}),
    ...(policy === undefined ? {} : { 'Content-Security-Policy': policy }),
  };
  const roots = Object.entries(folders).sort(([a], [b]) => b.length - a.length);
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent((request.url ?? '/').split('?')[0] ?? '/'));
    const [at, root] = roots.find(([prefix]) => path.startsWith(prefix)) ?? ['', ''];
    const file = join(
      root,
      path.endsWith('/') ? `${path.slice(at.length)}index.html` : path.slice(at.length),
    );
    readFile(file).then(
      (bytes) => {
        const type = TYPES[extname(file)] ?? 'application/octet-stream';
        response.writeHead(200, { 'Content-Type': type, ...headers }).end(bytes);
      },
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const stop = (): void => {
    server.close();
    server.closeAllConnections();
  };
  try {
    const browser = await chromium.launch({
      executablePath: CHROMIUM ?? '',
      headless: true,
      args: [
        ...FLAGS,
        ...(webgl ? SOFTWARE_WEBGL : []),
        ...(webgpu ? SOFTWARE_WEBGPU : []),
        ...(webgl || webgpu ? [] : ['--disable-gpu']),
      ],
    });
    try {
      const page = await browser.newPage();
      page.setDefaultTimeout(100_000); // for busy machines
      await page.addInitScript('globalThis.reclmisStudio = null'); // the studio hands itself over where this is set
      await page.goto(url);
      return {
        page,
        url,
        close: async () => {
          await browser.close();
          stop();
        },
      };
    } catch (error) {
      await browser.close();
      throw error;
    }
  } catch (error) {
    stop();
    throw error;
  }
}
