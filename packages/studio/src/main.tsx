/** Starts the page: the model from next to it, in a worker. */
import { render } from 'preact';
import { startTools } from './tools/drawing.js';
import { startWorker } from './engine/engine.js';
import { followRun } from './follow-run.js';
import { hasSecondModel } from './images.js';
import { listenForKeys } from './keys.js';
import { Shell } from './parts/shell.js';
import { PLACES } from './places.js';
import { keepPreferences, withPreferences } from './preferences.js';
import { FIRST } from './state/state.js';
import { createServices, StudioContext } from './studio.js';

/** Features that are kept of images, of all models together: the runtime's default for one. */
const FEATURE_BYTES = 256 * 2 ** 20;

const place = document.getElementById('studio');
if (place === null) throw new Error('index.html has no element with the id studio');

const services = createServices(startWorker(), startWorker, withPreferences(FIRST));
const { store, engine } = services;
const show = (theme: string): void => {
  document.documentElement.dataset['theme'] = theme;
};
show(store.state.theme);
store.subscribe(({ theme }) => show(theme));
keepPreferences(store);
if ('reclmisStudio' in globalThis) Object.assign(globalThis, { reclmisStudio: services }); // a test asked for it
startTools(services);
listenForKeys(services);
render(
  <StudioContext.Provider value={services}>
    <Shell />
  </StudioContext.Provider>,
  place,
);
const address = (path: string): string => new URL(path, document.baseURI).href;
followRun(store);
void load();

/** Two models share the bytes that features may take. */
async function load(): Promise<void> {
  const two = await hasSecondModel();
  const featureBytes = two ? FEATURE_BYTES / 2 : FEATURE_BYTES;
  const runtime = address(PLACES.runtime);
  engine.load(address(PLACES.model), runtime, featureBytes);
  if (two) services.second.offer({ model: address(PLACES.second), runtime, featureBytes });
  await services.session.restore();
}
