/**
 * The smallest viewer: a stack viewport on one image (`?image=`, PNG or JPEG), a note, and the mask as a
 * labelmap. For DICOM, replace `loadPicture` by `@cornerstonejs/dicom-image-loader`.
 */
import {
  Enums,
  imageLoader,
  init as initCore,
  RenderingEngine,
  type Types,
  utilities,
} from '@cornerstonejs/core';
import { init as initTools } from '@cornerstonejs/tools';
import { loadModel } from '@reclmis/runtime';
import { segmentViewport } from './segment.js';

const SCHEME = 'picture';

/** Caches the file behind `picture:` as grey pixels. */
async function loadPicture(imageId: string): Promise<void> {
  const blob = await (await fetch(imageId.slice(SCHEME.length + 1))).blob();
  const bitmap = await createImageBitmap(blob, { colorSpaceConversion: 'none' });
  const { width: columns, height: rows } = bitmap;
  const context = new OffscreenCanvas(columns, rows).getContext('2d');
  if (!context) throw new Error('the browser gives no canvas');
  context.drawImage(bitmap, 0, 0);
  const rgba = context.getImageData(0, 0, columns, rows).data;
  const image = imageLoader.createAndCacheLocalImage(imageId, {
    scalarData: Uint8Array.from({ length: columns * rows }, (_, p) => rgba[p * 4] ?? 0),
    dimensions: [columns, rows],
    spacing: [1, 1],
  });
  [image.windowCenter, image.windowWidth] = [128, 256]; // bytes unchanged
  utilities.genericMetadataProvider.add(imageId, {
    type: Enums.MetadataModules.GENERAL_SERIES,
    metadata: { modality: 'OT' },
  });
}

export async function openViewer(element: HTMLDivElement, address: string): Promise<Types.IStackViewport> {
  await initCore();
  initTools();
  const imageId = `${SCHEME}:${address}`;
  await loadPicture(imageId);
  const engine = new RenderingEngine('engine');
  engine.enableElement({ viewportId: 'viewport', type: Enums.ViewportType.STACK, element });
  const viewport = engine.getViewport('viewport') as Types.IStackViewport;
  await viewport.setStack([imageId]);
  viewport.render();
  return viewport;
}

function find<T extends Element>(selector: string, kind: new () => T): T {
  const element = document.querySelector(selector);
  if (!(element instanceof kind)) throw new Error(`the page has no ${selector}`);
  return element;
}

const status = find('[role=status]', HTMLElement);
try {
  const address = new URL(globalThis.location.href).searchParams.get('image') ?? 'image.png';
  const viewport = await openViewer(find('#viewport', HTMLDivElement), address);
  const model = await loadModel('/model/', { wasmPaths: '/ort/' });
  status.textContent = 'Ready.';
  find('form', HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault();
    segmentViewport(model, viewport, find('input', HTMLInputElement).value).then(
      ({ id, warnings }) => {
        const lines = warnings.map(({ code, message }) => `${code}: ${message}`);
        status.textContent = [`Shown: ${id}`, ...lines].join('\n');
      },
      (error: unknown) => (status.textContent = String(error)),
    );
  });
} catch (error) {
  status.textContent = String(error);
}
