/** Shows an image with its mask. `vite.config.mjs` serves onnxruntime's files at /ort/ and the model at /model/. */
import { loadModel, type Model, type NoteReading, type Segmentation } from '@reclmis/runtime';

function find<T extends Element>(selector: string, kind: new () => T): T {
  const element = document.querySelector(selector);
  if (!(element instanceof kind)) throw new Error(`the page has no ${selector}`);
  return element;
}
const form = find('form', HTMLFormElement);
const button = find('button', HTMLButtonElement);
const status = find('[role=status]', HTMLElement);
const warned = find('[role=alert]', HTMLElement);
const canvas = find('canvas', HTMLCanvasElement);
/** Aborts the current work when new work begins. */
let control = new AbortController();

function say(text: string): void {
  status.textContent = text;
}

function told({ sides, mirrored }: NoteReading): string {
  if (sides === 'unknown') return 'whose left and right the model has learnt is not known';
  return `left and right are the ${sides}’s${mirrored ? ', exchanged for the model' : ''}`;
}

/** Why the mask may be wrong, a line each. */
function warn(warnings: Segmentation['warnings']): void {
  warned.replaceChildren(
    ...warnings.map(({ code, message }) => {
      const line = document.createElement('li');
      line.textContent = `${code}: ${message}`; // as text: messages quote the note
      return line;
    }),
  );
}

/** The image under a translucent mask. */
async function draw(image: File, { width, height, data }: Segmentation['mask']): Promise<void> {
  const layer = new ImageData(width, height);
  for (const [p, value] of data.entries()) if (value === 1) layer.data.set([230, 120, 0, 110], p * 4);
  canvas.width = width;
  canvas.height = height;
  for (const part of [image, layer]) {
    const bitmap = await createImageBitmap(part);
    canvas.getContext('2d')?.drawImage(bitmap, 0, 0);
    bitmap.close();
  }
}

async function segment(model: Model): Promise<void> {
  control.abort();
  control = new AbortController();
  const { signal } = control;
  const [image, note] = [new FormData(form).get('image'), new FormData(form).get('note')];
  const asked = new FormData(form).get('sides');
  const sides = asked === 'patient' || asked === 'image' ? ({ sides: asked } as const) : {};
  if (!(image instanceof File) || typeof note !== 'string') return;
  say('Segmenting ...');
  warn([]);
  try {
    const { mask, note: read, timings, warnings } = await model.segment(image, note, { signal, ...sides });
    await draw(image, mask);
    warn(warnings);
    const inside = mask.data.filter((value) => value === 1).length;
    say(
      `${inside} of ${mask.data.length} pixels, ${Math.round(timings.total)} ms on ${model.device}; ${told(read)}`,
    );
  } catch (error) {
    if (!signal.aborted) say(error instanceof Error ? error.message : String(error));
  }
}

try {
  const model = await loadModel('/model/', {
    wasmPaths: '/ort/',
    onProgress: (loaded, total) => say(`Loading the model: ${Math.round((100 * loaded) / total)} %`),
  });
  say('Ready.');
  button.disabled = false;
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void segment(model);
  });
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
}
