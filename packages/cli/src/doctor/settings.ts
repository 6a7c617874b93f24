/** The environment's variables that change what reclmis does. */

export interface Setting {
  readonly name: string;
  /** Null: not set. */
  readonly value: string | null;
  /** How far the value may be told. */
  readonly kind: SettingKind;
}

/**
 * `plain`: a number or a word that names nobody. `path`: on this terminal alone. `secret`: never, as an address may hold
 * a password.
 */
type SettingKind = 'plain' | 'path' | 'secret';

/** A test holds that every variable that the sources read is here. */
export const VARIABLES: Readonly<Record<string, SettingKind>> = {
  CUBLAS_WORKSPACE_CONFIG: 'plain',
  CUDA_VISIBLE_DEVICES: 'plain',
  DISPLAY: 'secret',
  HF_ENDPOINT: 'secret',
  HF_HUB_OFFLINE: 'plain',
  HF_TOKEN: 'secret',
  HOME: 'path',
  HTTPS_PROXY: 'secret',
  HTTP_PROXY: 'secret',
  LIBTORCH: 'path',
  LIBTORCH_USE_PYTORCH: 'plain',
  LOCALAPPDATA: 'path',
  NODE_EXTRA_CA_CERTS: 'path',
  NODE_OPTIONS: 'secret',
  NO_COLOR: 'plain',
  NO_PROXY: 'secret',
  OMP_NUM_THREADS: 'plain',
  OMP_WAIT_POLICY: 'plain',
  RECLMIS_DEBUG: 'plain',
  RECLMIS_HOME: 'path',
  RECLMIS_OFFLINE: 'plain',
  RECLMIS_PACS_PASSWORD: 'secret',
  RECLMIS_PACS_TOKEN: 'secret',
  RECLMIS_WEIGHTS_URL: 'secret',
  TMPDIR: 'path',
  USERPROFILE: 'path',
  WAYLAND_DISPLAY: 'secret',
  XDG_CACHE_HOME: 'path',
  https_proxy: 'secret',
  http_proxy: 'secret',
  no_proxy: 'secret',
};

/** Everybody has them. */
const USUAL = new Set(['DISPLAY', 'HOME', 'LOCALAPPDATA', 'TMPDIR', 'USERPROFILE', 'WAYLAND_DISPLAY']);
/** A plain value is a short word or number; anything else is not told. */
const PLAIN = /^[\w:.,-]{0,24}$/;
/** Those of tests and of our own processes. */
const INTERNAL = /^RECLMIS_(?:SLOW|CHROMIUM|VIEWER_PICTURE|CUDA|LIFELINE_FD)$/;

/** Those set, without the ones that everybody has. */
export function settingsOf(env: NodeJS.ProcessEnv = process.env): Setting[] {
  return Object.entries(VARIABLES).flatMap(([name, kind]) => {
    const value = env[name];
    return value === undefined || USUAL.has(name) ? [] : [{ name, value, kind }];
  });
}

/** RECLMIS_... that nothing reads: slips. */
export function unknownSettings(env: NodeJS.ProcessEnv = process.env): string[] {
  return Object.keys(env)
    .filter((name) => /^RECLMIS_/i.test(name) && !Object.hasOwn(VARIABLES, name) && !INTERNAL.test(name))
    .sort();
}

/** For a terminal: paths too. For a report: plain values alone. */
export function shownValue({ value, kind }: Setting, forReport: boolean): string {
  if (value === null || value === '') return 'empty';
  if (kind === 'path' && !forReport) return value;
  return kind === 'plain' && PLAIN.test(value) ? value : 'set';
}
