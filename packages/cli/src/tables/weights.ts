/** Cached weights in words: one that was stored, or all as a table. */
import type { StoredWeights, WeightsEntry } from '@reclmis/lab';
import type { Output } from '../output.js';
import { formatTable, right } from '../table.js';

/** What became of weights and where they are. */
export function sayStored(output: Output, stored: StoredWeights | null, what: string): void {
  if (stored === null) return;
  output.result({ dir: stored.dir, ...stored.manifest });
  output.say(`${stored.id} ${what}: ${stored.dir} (${megabytes(stored)} MB)`);
}

export function describeWeights(entries: readonly WeightsEntry[]): string {
  return formatTable(
    [{ title: 'id' }, right('MB'), right('layers'), right('width'), { title: 'made' }, { title: 'from' }],
    entries.map(({ id, weights, error }) => {
      if (!weights) return [id, '', '', '', 'damaged', error.message];
      const { tower, createdAt, source } = weights.manifest;
      const made = createdAt.slice(0, 10);
      return [id, megabytes(weights), String(tower.layers), String(tower.width), made, source.name];
    }),
  );
}

function megabytes({ manifest }: StoredWeights): string {
  const bytes = Object.values(manifest.files).reduce((sum, file) => sum + file.bytes, 0);
  return (bytes / 1e6).toFixed(1);
}
