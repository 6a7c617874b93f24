/** The process of one probe: takes its name, answers over the channel of `fork`. */
import { argv } from 'node:process';
import { toReclmisError } from '@reclmis/core';
import { PROBES, type ProbeName } from './probes.js';

/** `absent`: the package is not installed. */
export type ProbeAnswer =
  | { readonly state: 'ok'; readonly detail: string }
  | { readonly state: 'absent' }
  | { readonly state: 'failed'; readonly code: string; readonly message: string; readonly remedy: string };

async function answer(name: ProbeName): Promise<ProbeAnswer> {
  try {
    return { state: 'ok', detail: await PROBES[name]() };
  } catch (thrown) {
    if (isMissingPackage(thrown)) return { state: 'absent' };
    const { code, message, remedy } = toReclmisError(thrown);
    return { state: 'failed', code, message, remedy };
  }
}

/** One of ours, not something that it needs. */
const isMissingPackage = (error: unknown): boolean =>
  error instanceof Error &&
  (error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND' &&
  /Cannot find package '@reclmis\//.test(error.message);

if (process.send) {
  const [, , name = ''] = argv;
  const told = await answer(name as ProbeName);
  process.send(told, () => process.exit(0));
}
