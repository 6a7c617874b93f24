/**
 * Converts a published file to `model.safetensors`: only the text tower, under our keys, in half precision as
 * OpenAI published it.
 */
import { basename, dirname, join } from 'node:path';
import { ReclmisError } from '@reclmis/core';
import { readTextSync } from '@reclmis/files';
import { cat, scope, type Tensor, type TensorSource, writeSafetensors } from '@reclmis/torch';
import type { ClipTextOptions } from '../clip/tower.js';
import { findTower, type FoundTower } from './tower-keys.js';

export const TOWER_FILE = 'model.safetensors';
const FORMAT = 'reclmis-text-tower/1';

export interface ConvertedTower {
  readonly tower: ClipTextOptions;
}

export interface ConvertOptions {
  /** Keep float32 if half precision changes a value. Default false. */
  readonly exact?: boolean;
}

/**
 * @param source OpenAI's `.pt`, a state dictionary `.pt`, `.pth` or `.pth.tar`, Hugging Face's
 * `model.safetensors` or `pytorch_model.bin`
 * @throws WEIGHTS_UNSUPPORTED for another model, ARCHIVE_INVALID, SAFETENSORS_INVALID, OUTPUT_UNWRITABLE,
 * DISK_FULL
 */
export function writeTower(
  source: TensorSource,
  folder: string,
  { exact = false }: ConvertOptions = {},
): ConvertedTower {
  const found = findTower(source);
  return scope(() => {
    const tensors = new Map<string, Tensor>();
    for (const [key, { from, transposed }] of found.recipes) {
      const tensor = scope(() => {
        const parts = from.map((name) => source.read(name));
        const [first] = parts;
        const whole = parts.length === 1 && first ? first : cat(parts, 0);
        return toHalf(
          transposed ? whole.transpose(0, 1).contiguous() : whole,
          `${source.path}: ${key}`,
          exact,
        );
      });
      tensors.set(key, tensor);
    }
    writeSafetensors(join(folder, TOWER_FILE), tensors, {
      format: FORMAT,
      options: JSON.stringify(found.options),
    });
    return { tower: found.options };
  });
}

/** Unless `exact` and a value would change. */
function toHalf(tensor: Tensor, where: string, exact: boolean): Tensor {
  if (tensor.isfinite().all().item() === 0)
    throw new ReclmisError('WEIGHTS_UNSUPPORTED', `${where}: expected finite values`);
  const half = tensor.to({ dtype: 'float16' });
  if (exact && half.to({ dtype: tensor.dtype }).sub(tensor).abs().max().item() !== 0) return tensor;
  if (half.isfinite().all().item() === 0)
    throw new ReclmisError('WEIGHTS_UNSUPPORTED', `${where}: values too large for half precision`);
  return half;
}

export function proposeId({ options: { width, layers, projection }, patch }: FoundTower): string {
  if (width === 512 && layers === 12 && projection === 512)
    return patch === 16 ? 'clip-vit-b-16' : 'clip-vit-b-32';
  if (width === 768 && layers === 12 && projection === 768) return 'clip-vit-l-14';
  return `clip-${width}-${layers}`;
}

/**
 * Refuses another activation (OpenCLIP's GELU), by Hugging Face's `config.json`.
 * @throws WEIGHTS_UNSUPPORTED
 */
export function refuseOtherActivation(file: string): void {
  let config: unknown;
  const path = join(dirname(file), 'config.json');
  try {
    config = JSON.parse(readTextSync(path));
  } catch {
    return; // none, or not for us
  }
  const act = member(member(config, 'text_config'), 'hidden_act') ?? member(config, 'hidden_act');
  if (member(config, 'model_type') !== 'clip' || act === undefined || act === 'quick_gelu') return;
  throw new ReclmisError(
    'WEIGHTS_UNSUPPORTED',
    `${basename(file)}: expected activation quick_gelu, ${path} says ${JSON.stringify(act)}`,
  );
}

function member(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? (value as Record<string, unknown>)[key]
    : undefined;
}
