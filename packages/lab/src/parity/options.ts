/** A golden file's `options`: settings of the model, constants to compare, or inputs of its own `forward`. */
import { ReclmisError } from '@reclmis/core';
import type { ModelDescriptor } from '../model/descriptor.js';
import type { SegmentationModel } from '../model/segmentation-model.js';
import { compareLosses, type ParityRow, row } from './compare.js';
import type { SharedGolden } from './golden.js';
import { sizesIn } from './rebuild.js';

type WithOptions = SharedGolden & { readonly options?: Readonly<Record<string, unknown>> | undefined };

/** Constants of the model, or sizes that shapes say too. An option that nothing reads is a difference. */
export function compareOptions(
  descriptor: ModelDescriptor,
  golden: WithOptions,
  path: string,
  tolerance: number,
): ParityRow[] {
  const { constants, shapes, inputs = [] } = descriptor.parity ?? {};
  const ours = { ...constants, ...shapes?.(sizesIn(golden, path)) };
  return Object.entries(golden.options ?? {}).flatMap(([name, given]) => {
    const own = ours[name];
    if (own !== undefined) return compareLosses(flat(name, own), flat(name, given), tolerance);
    if (inputs.includes(name) || settingOf(name, descriptor) !== null) return [];
    return [row(`options.${name}`, 'loss', Number.NaN, tolerance, 'the model has no such option')];
  });
}

/** A key of `model.options`, or null. */
function settingOf(name: string, { options }: ModelDescriptor): string | null {
  const key = name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
  return options && key in options.shape ? key : null;
}

export function givenSettings(descriptor: ModelDescriptor, golden: WithOptions): Record<string, unknown> {
  const constants = new Set(Object.keys(descriptor.parity?.constants ?? {}));
  return Object.fromEntries(
    Object.entries(golden.options ?? {}).flatMap(([name, value]) => {
      const key = constants.has(name) ? null : settingOf(name, descriptor);
      return key === null ? [] : [[key, value]];
    }),
  );
}

/** A number, or a list by index. */
function flat(name: string, value: unknown): Record<string, number> {
  if (!Array.isArray(value)) return { [`options.${name}`]: Number(value) };
  return Object.fromEntries(value.map((each, i) => [`options.${name}.${i}`, Number(each)]));
}

/** @throws GOLDEN_INVALID for sizes or options that the model refuses. */
export function built(make: () => SegmentationModel, path: string): SegmentationModel {
  try {
    return make();
  } catch (cause) {
    if (!(cause instanceof ReclmisError) || cause.code !== 'CONFIG_INVALID') throw cause;
    throw new ReclmisError('GOLDEN_INVALID', `${path}: ${cause.message}`, { cause });
  }
}
