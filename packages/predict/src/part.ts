/** Divides cases among machines that run the same command with different `--part`s. */
import { ReclmisError } from '@reclmis/core';

export interface Part {
  readonly index: number;
  readonly of: number;
}

/** Reads `I/N`. @throws OPTION_INVALID */
export function parsePart(text: string): Part {
  const [, index, of] = /^(\d{1,6})\/(\d{1,6})$/.exec(text.trim()) ?? [];
  const part = { index: Number(index), of: Number(of) };
  if (part.index >= 1 && part.index <= part.of) return part;
  throw new ReclmisError(
    'OPTION_INVALID',
    `--part: expected I/N with I from 1 to N, such as 2/8, got "${text.slice(0, 40)}"`,
  );
}

/** A part's other files in the output folder. */
export function recordNames(
  part: Part | null,
): Record<'journal' | 'statistics' | 'table' | 'record', string> {
  const suffix = part ? `.${part.index}-of-${part.of}` : '';
  return {
    journal: `cases${suffix}.jsonl`,
    statistics: `statistics${suffix}.json`,
    /** For classes alone. */
    table: `statistics${suffix}.csv`,
    record: `run${suffix}.json`,
  };
}

/** Reads the part from a journal's file name; null if it is no journal. */
export function partOfJournal(name: string): { readonly part: Part | null } | null {
  const [whole, index, of] = /^cases(?:\.(\d{1,6})-of-(\d{1,6}))?\.jsonl$/.exec(name) ?? [];
  if (whole === undefined) return null;
  return { part: of === undefined ? null : { index: Number(index), of: Number(of) } };
}

export function lockName(part: Part | null): string {
  return part ? `.predict.${part.index}-of-${part.of}.lock` : '.predict.lock';
}

/** Locks of work divided otherwise, whose results would mix with those of `own`. */
export function otherLocks(names: readonly string[], own: Part | null): string[] {
  return names.filter((name) => {
    const [whole, of] = /^\.predict(?:\.\d{1,6}-of-(\d{1,6}))?\.lock$/.exec(name) ?? [];
    return whole !== undefined && Number(of ?? 0) !== (own?.of ?? 0);
  });
}

/** Every N-th case, which also divides slow stretches of the list. */
export function* casesOf<T>(cases: readonly T[], part: Part | null): Generator<T> {
  const step = part?.of ?? 1;
  for (let i = (part?.index ?? 1) - 1; i < cases.length; i += step) yield cases[i]!;
}
