/** For tests and measurements: a real Chromium on a page that holds the runtime, bundled by Vite and served with the headers that threads need. */
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
  // What `page/index.html` puts there.
  var runtime: typeof Runtime;
  var decodeInBrowser: (image: Uint8Array, maxPixels: number) => Promise<RgbImage>;
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
/** WebGL computed by the processor. */
const SOFTWARE_WEBGL = ['--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader'];
/** WebGPU computed by the processor: slow, and a fallback adapter, but the same shaders. */
const SOFTWARE_WEBGPU = [
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  '--disable-gpu-watchdog',
];
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
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

/** Chromium's executable (`RECLMIS_CHROMIUM`, else Debian's); null where there is none. */
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

/** onnxruntime-web's files, as they are in its package. */
export const ORT_FILES = dirname(fileURLToPath(import.meta.resolve('onnxruntime-web')));

/** The folder of the page that puts the runtime on `globalThis.runtime`. */
export const RUNTIME_PAGE = fileURLToPath(new URL('../page', import.meta.url));

/** Bundles the page in a folder with its index.html, by the vite.config.mjs in it if there is one. */
export async function bundle(root: string, out: string): Promise<void> {
  await build({
    root,
    logLevel: 'error',
    build: { outDir: out, emptyOutDir: true, reportCompressedSize: false },
  });
}

/** A page that is open in a browser of its own. */
export interface OpenPage {
  readonly page: Page;
  readonly url: string;
  readonly close: () => Promise<void>;
}

export interface PageOptions {
  /** Folders by the path below which they are served; '/' is the page's own. */
  readonly folders: Readonly<Record<string, string>>;
  /** Send the headers that threads need. Default true. */
  readonly isolated?: boolean;
  /** Give the page WebGL. Default false: nothing graphical but its canvas. */
  readonly webgl?: boolean;
  /** Give the page WebGPU. Default false. */
  readonly webgpu?: boolean;
}

/** Serves folders on a free port of loopback and opens '/' in a fresh Chromium. */
export async function openPage({
  folders,
  isolated = true,
  webgl = false,
  webgpu = false,
}: PageOptions): Promise<OpenPage> {
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
        response.writeHead(200, { 'Content-Type': type, ...(isolated ? ISOLATION : {}) }).end(bytes);
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
      page.setDefaultTimeout(100_000); // a busy machine is no failure
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
