import type { NoteForModel, NoteStyle, RgbImage, Sides } from '@reclmis/core';
import type { Model, Segmentation } from '@reclmis/runtime';

/** B cases of tensors, S side, T tokens, W features. */
export type Work =
  | {
      readonly kind: 'segment';
      readonly image: RgbImage;
      readonly note: string;
      readonly sides?: Sides;
      readonly noteStyle?: NoteStyle;
      readonly threshold: number | undefined;
    }
  /** images [B,3,S,S], notes [B,T,W]; null where the model reads none */
  | {
      readonly kind: 'tensors';
      readonly images: Float32Array;
      readonly notes: Float32Array | null;
      readonly count: number;
    }
  /** tokens [B,T]. */
  | { readonly kind: 'tokens'; readonly tokens: BigInt64Array; readonly count: number }
  /** As the model reads them. */
  | { readonly kind: 'texts'; readonly notes: readonly NoteForModel[]; readonly count: number };

/** A segmentation, or the output tensor [B, ...]. */
export type Result = Segmentation | Float32Array;

export function keyOf(work: Work): string {
  return work.kind === 'segment' ? `segment ${work.threshold ?? 'default'}` : work.kind;
}

export const unitsOf = (work: Work): number => (work.kind === 'segment' ? 1 : work.count);

type Of<K extends Work['kind']> = Extract<Work, { kind: K }>;

const of = <K extends Work['kind']>(items: readonly Work[], kind: K): Of<K>[] =>
  items.filter((item): item is Of<K> => item.kind === kind);

/** Computes a batch of items with the same key. */
export function computeOn(
  model: Model,
  maxPixels: number,
): (items: readonly Work[], signal: AbortSignal) => Promise<Result[]> {
  return async (items, signal) => {
    const [first] = items;
    switch (first?.kind) {
      case undefined:
        return [];
      case 'segment': {
        const threshold = first.threshold === undefined ? {} : { threshold: first.threshold };
        return model.segmentBatch(of(items, 'segment'), { ...threshold, signal, maxPixels });
      }
      case 'tensors': {
        const all = of(items, 'tensors');
        const images = joinFloats(all.map((item) => item.images));
        const notes = all.flatMap((item) => (item.notes === null ? [] : [item.notes]));
        const out = await model.run(images, notes.length === 0 ? null : joinFloats(notes), total(all));
        return split(out, all);
      }
      case 'tokens': {
        const all = of(items, 'tokens');
        return split(await model.encodeTokens(joinTokens(all.map((item) => item.tokens)), total(all)), all);
      }
      case 'texts': {
        const all = of(items, 'texts');
        return split(await model.encodeNotes(all.flatMap((item) => item.notes.map(({ text }) => text))), all);
      }
    }
  };
}

const total = (items: readonly { readonly count: number }[]): number =>
  items.reduce((sum, { count }) => sum + count, 0);

function joinFloats(parts: readonly Float32Array[]): Float32Array {
  if (parts.length === 1 && parts[0]) return parts[0];
  const out = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

function joinTokens(parts: readonly BigInt64Array[]): BigInt64Array {
  const out = new BigInt64Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** Cuts a tensor along its first axis. */
function split(all: Float32Array, items: readonly { readonly count: number }[]): Float32Array[] {
  const size = all.length / Math.max(1, total(items));
  let at = 0;
  return items.map(({ count }) => all.slice(at, (at += count * size)));
}
