/** What must not leave the machine with a model: paths, and names in them. */

/** Roots of Unix paths that a home or a data set lies below, drives and shares of Windows, and `file:` addresses. */
const PATHS =
  /(?:^|[\s"'`(=,:|])((?:\/(?:home|Users|root|tmp|var|mnt|media|srv|opt|data|work|scratch|Volumes|private)\/|[A-Za-z]:[\\/](?![/])|\\\\[\w.-]+\\|file:\/{2,3})[^\s"'`)|]*)/g;

/** Absolute paths in a text. */
export const pathsIn = (text: string): string[] => [...text.matchAll(PATHS)].map(([, path = '']) => path);

/** Absolute paths in the readable parts of a file's bytes. */
export function pathsInBytes(bytes: Uint8Array): string[] {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  return (text.match(/[\x20-\x7e]{8,}/g) ?? []).flatMap((piece) =>
    pathsIn(piece).filter((path) => path.startsWith('/') && path.length > 8),
  );
}
