/**
 * A site of several versions: `DIR/0.1.0/`, `DIR/0.2.0/`, each built by its own version; `versions.js`, which the switch of
 * every page reads (`switch.js`), so that pages of old versions know newer ones; `index.html`, which leads to the newest.
 */
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const VERSION = /^(\d+)\.(\d+)\.(\d+)$/;

/** @param {string} dir @returns {string[]} built versions, newest first */
export function versionsIn(dir) {
  const parts = (name) => (VERSION.exec(name) ?? []).slice(1).map(Number);
  const order = (a, b) => {
    const [one, other] = [parts(a), parts(b)];
    const at = one.findIndex((value, i) => value !== other[i]);
    return at < 0 ? 0 : other[at] - one[at];
  };
  return readdirSync(dir)
    .filter((name) => VERSION.test(name) && existsSync(join(dir, name, 'index.html')))
    .sort(order);
}

/** Writes what lies above the versions. @param {string} dir @returns {string[]} the versions */
export function writeVersions(dir) {
  const versions = versionsIn(dir);
  const [newest] = versions;
  if (newest === undefined) throw new Error(`${dir}: holds no version of the site`);
  writeFileSync(join(dir, 'versions.js'), `window.reclmisVersions = ${JSON.stringify(versions)};\n`);
  writeFileSync(
    join(dir, 'index.html'),
    `<!doctype html><html lang="en"><meta charset="utf-8"><title>RecLMIS</title>` +
      `<meta http-equiv="refresh" content="0; url=${newest}/index.html"><a href="${newest}/index.html">RecLMIS ${newest}</a></html>\n`,
  );
  writeFileSync(join(dir, '.nojekyll'), '');
  return versions;
}
