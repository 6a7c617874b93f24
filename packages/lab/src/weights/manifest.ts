/** `weights.json`: a folder's contents, their source, and the hashes that verify them. */
import { createHash } from 'node:crypto';
import { readFormat } from '@reclmis/core';
import { z } from 'zod';

export const MANIFEST_FILE = 'weights.json';
export const MANIFEST_FORMAT = 'reclmis-weights/1';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 hexadecimal digits');
const count = z
  .int()
  .positive()
  .max(2 ** 31);
const bytes = z.int().nonnegative();

const schema = z.strictObject({
  format: z.literal(MANIFEST_FORMAT),
  id: z.string(),
  tower: z.strictObject({
    vocabulary: count,
    width: count,
    layers: count,
    heads: count,
    positions: count,
    projection: count,
  }),
  source: z.strictObject({ name: z.string(), sha256, bytes }),
  vocabulary: z.strictObject({ name: z.string(), sha256 }),
  files: z.record(
    z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'expected a plain file name'),
    z.strictObject({ bytes, sha256 }),
  ),
  fingerprint: sha256,
  createdAt: z.iso.datetime(),
});

export type WeightsManifest = Readonly<z.infer<typeof schema>>;
/** Tokens, features, layers, heads, longest note in tokens, width of the sentence's embedding. */
export type TowerOptions = WeightsManifest['tower'];
/** The rest of the manifest is computed. */
export type ManifestParts = Pick<WeightsManifest, 'tower' | 'source' | 'vocabulary'>;
/** By file name; sizes in bytes. */
export type FileHashes = WeightsManifest['files'];

/** SHA-256 over the sorted lines `NAME SHA256`. */
export function fingerprintOf(files: FileHashes): string {
  const lines = Object.entries(files).map(([name, file]) => `${name} ${file.sha256}\n`);
  return createHash('sha256').update(lines.sort().join('')).digest('hex');
}

/** A problem is one line. @throws WEIGHTS_CORRUPT for another version, or another file */
export function parseManifest(
  text: string,
  where = MANIFEST_FILE,
): { manifest: WeightsManifest } | { problem: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { problem: 'is not JSON' };
  }
  const stated = typeof value === 'object' && value !== null && 'format' in value ? value.format : undefined;
  readFormat('weights', stated, { where, code: 'WEIGHTS_CORRUPT' });
  const { success, data, error } = schema.safeParse(value);
  if (!success) {
    const [issue] = error.issues;
    return { problem: `${issue?.path.join('.') || 'the whole'}: ${issue?.message ?? 'invalid'}` };
  }
  if (data.fingerprint === fingerprintOf(data.files)) return { manifest: data };
  return { problem: `fingerprint: expected ${fingerprintOf(data.files)}, got ${data.fingerprint}` };
}
