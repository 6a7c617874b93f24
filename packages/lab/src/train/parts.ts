/**
 * Fine-tuning by parts: `train.freeze` takes parts of a model out of training, `train.lrFactors` trains parts with a share
 * of the learning rate. A part is one that the model's descriptor names, or a module by its path (docs/guide/starting-weights.md).
 */
import { editDistance, ReclmisError } from '@reclmis/core';
import type { Tensor } from '@reclmis/torch';
import type { Config } from '../config/config.js';
import { modelDescriptor } from '../model/registry.js';
import type { SegmentationModel } from '../model/segmentation-model.js';
import type { TuningInfo } from '../run/run.js';

type Parted = Pick<SegmentationModel, 'namedModules' | 'namedParameters'>;
type Asked = Pick<Config['train'], 'freeze' | 'lrFactors'>;

export interface Tuning {
  /** For `run.json`; null if all of the model is trained alike. */
  readonly info: TuningInfo | null;
  /** What is trained, by key. */
  readonly trained: ReadonlyMap<string, Tensor>;
  /** Factors of the learning rate other than 1, by key. */
  readonly factors: ReadonlyMap<string, number>;
}

/**
 * Freezes and finds factors.
 * @param name `model.name` @throws CONFIG_INVALID for unknown parts, for factors of parts that are not trained, and if
 * nothing is left to train
 */
export function tune(model: Parted, name: string, { freeze, lrFactors }: Asked): Tuning {
  const parameters = model.namedParameters();
  const frozen = freeze.map((part) => membersOf(part, name, parameters, 'train.freeze'));
  for (const [path, module] of model.namedModules()) if (frozen.some((one) => one.has(path))) module.freeze();
  for (const [key, parameter] of parameters)
    if (frozen.some((one) => one.has(key))) parameter.requiresGrad_(false);
  const trained = new Map([...parameters].filter(([, parameter]) => parameter.requiresGrad));
  if (freeze.length > 0 && trained.size === 0)
    throw new ReclmisError(
      'CONFIG_INVALID',
      `train.freeze: ${freeze.join(', ')} leave nothing of ${name} to train`,
      {
        remedy: 'Freeze fewer parts.',
      },
    );
  const factors = factorsOf(lrFactors, name, parameters, trained);
  const asked = freeze.length > 0 || Object.keys(lrFactors).length > 0;
  const count = [...parameters].reduce(
    (sum, [key, { numel }]) => sum + (frozen.some((one) => one.has(key)) ? numel : 0),
    0,
  );
  return { info: asked ? { frozen: freeze, frozenParameters: count, lrFactors } : null, trained, factors };
}

/** A line about it, for the start of a training, or null. */
export function describeTuning({
  tuning,
  config,
}: {
  readonly tuning: TuningInfo | null;
  readonly config: Config;
}): string | null {
  if (tuning === null) return null;
  const { frozen, frozenParameters, lrFactors } = tuning;
  const drawn = config.model.init === '' ? ', as drawn: no starting weights are given (--init)' : '';
  const factors = Object.entries(lrFactors).map(([part, factor]) => `${part} x ${factor}`);
  const count = frozenParameters.toLocaleString('en');
  return [
    frozen.length === 0
      ? ''
      : `Frozen: ${frozen.join(', ')}, ${count} parameters and their batch statistics${drawn}.`,
    factors.length === 0 ? '' : `Learning rates: ${factors.join(', ')}.`,
  ]
    .filter((sentence) => sentence !== '')
    .join(' ');
}

/** The more specific wins: a module over a named part, a longer path over a shorter one. */
function factorsOf(
  lrFactors: Asked['lrFactors'],
  name: string,
  parameters: ReadonlyMap<string, Tensor>,
  trained: ReadonlyMap<string, Tensor>,
): Map<string, number> {
  const asked = Object.entries(lrFactors)
    .map(([part, factor]) => ({
      part,
      factor,
      members: membersOf(part, name, parameters, 'train.lrFactors'),
    }))
    .sort((a, b) => b.members.rank - a.members.rank);
  for (const { part, members } of asked) {
    if ([...trained.keys()].some((key) => members.has(key))) continue;
    throw new ReclmisError(
      'CONFIG_INVALID',
      `train.lrFactors: ${part}: expected a part that is trained, but all of it is frozen`,
      { remedy: 'Leave out its factor, or do not freeze it.' },
    );
  }
  const factors = new Map<string, number>();
  for (const key of trained.keys()) {
    const factor = asked.find(({ members }) => members.has(key))?.factor ?? 1;
    if (factor !== 1) factors.set(key, factor);
  }
  return factors;
}

interface Members {
  /** Whether the path of a module, or the key of a parameter, is in the part. */
  has(path: string): boolean;
  /** Greater where more specific. */
  readonly rank: number;
}

/** @throws CONFIG_INVALID for an unknown part, with the candidates */
function membersOf(
  part: string,
  name: string,
  parameters: ReadonlyMap<string, Tensor>,
  setting: string,
): Members {
  const named = modelDescriptor(name).parts ?? {};
  const own = Object.hasOwn(named, part) ? named[part] : undefined;
  const paths = own ?? [part];
  const has = (path: string): boolean => paths.some((one) => path === one || path.startsWith(`${one}.`));
  if (part !== '' && [...parameters.keys()].some(has)) return { has, rank: own ? 0 : part.length };
  throw unknownPart(part, name, Object.keys(named), [...parameters.keys()], setting);
}

function unknownPart(
  part: string,
  name: string,
  named: readonly string[],
  keys: readonly string[],
  setting: string,
): ReclmisError {
  const tops = [...new Set(keys.map((key) => key.split('.')[0] ?? key))];
  const paths = new Set(
    keys.flatMap((key) => key.split('.').map((_, i, all) => all.slice(0, i + 1).join('.'))),
  );
  const [closest] = [...named, ...paths]
    .map((one) => ({ one, distance: editDistance(part.toLowerCase(), one.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  const parts = named.length > 0 ? `a part of ${name} (${named.join(', ')})` : `a module of ${name}`;
  return new ReclmisError(
    'CONFIG_INVALID',
    `${setting}: expected ${parts} or a module's path (${tops.join(', ')}, ...), got ${JSON.stringify(part)}; the closest is ${closest?.one ?? 'none'}`,
  );
}
