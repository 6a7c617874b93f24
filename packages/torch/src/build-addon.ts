/** Builds the addon by scripts/build-addon.mjs, which needs a libtorch and a C++ compiler. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { isErrorCode, oneLine, ReclmisError } from '@reclmis/core';

const SCRIPT = fileURLToPath(new URL('../scripts/build-addon.mjs', import.meta.url));

export interface BuildAddonOptions {
  readonly signal?: AbortSignal;
  /** Hears what is being done, a line at a time. */
  readonly onLine?: (line: string) => void;
}

/**
 * Builds the addon against the libtorch of `LIBTORCH`, `LIBTORCH_USE_PYTORCH=1` or the distribution, unless it is built.
 * @throws LIBTORCH_MISSING, COMPILER_MISSING, ADDON_BUILD; the signal's reason
 */
export async function buildAddon({ signal, onLine }: BuildAddonOptions = {}): Promise<void> {
  signal?.throwIfAborted();
  const child = spawn(process.execPath, [SCRIPT], {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(signal && { signal }),
  });
  const said: string[] = [];
  createInterface(child.stdout).on('line', (line) => onLine?.(line));
  createInterface(child.stderr).on('line', (line) => said.push(line));
  const status = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject).on('close', resolve);
  }).catch((cause: unknown) => {
    signal?.throwIfAborted();
    throw new ReclmisError('ADDON_BUILD', `the addon’s build does not start: ${oneLine(cause)}`, { cause });
  });
  if (status !== 0) throw failureOf(said);
}

/** The script's coded last line, with the compiler's first error. */
function failureOf(said: readonly string[]): ReclmisError {
  const [, code = '', message = ''] = /^error (\w+): (.*)$/.exec(said.at(-1) ?? '') ?? [];
  const first = said.find((line) => /\berror: /.test(line));
  if (!isErrorCode(code))
    return new ReclmisError(
      'ADDON_BUILD',
      `the addon’s build ended early: ${said.at(-1) ?? 'it said nothing'}`,
    );
  return new ReclmisError(code, first === undefined ? message : `${message}: ${first.trim()}`);
}
