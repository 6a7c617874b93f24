/**
 * Adam (Kingma and Ba 2015, algorithm 1) and AdamW (Loshchilov and Hutter 2019, algorithm 2) as PyTorch
 * writes them:
 *
 *   m = beta1 m + (1 - beta1) g          v = beta2 v + (1 - beta2) g^2
 *   p = p - lr / (1 - beta1^t) * m / (sqrt(v) / sqrt(1 - beta2^t) + eps)
 *
 * Adam adds weightDecay * p to g; AdamW multiplies p by 1 - lr * weightDecay first. With c = sqrt(1 -
 * beta2^t), the last line is computed as (lr c / (1 - beta1^t)) * m / (sqrt(v) + c eps), which saves two
 * passes over memory. Parameters without a gradient are skipped.
 */
import { ReclmisError } from '@reclmis/core';
import {
  foreachAdd,
  foreachAdd_,
  foreachAddcdiv_,
  foreachAddcmul_,
  foreachMul_,
  foreachSqrt,
  zeros,
} from '../generated/functions.js';
import { ids, invoke, operator } from '../invoke.js';
import { native } from '../native.js';
import { keep, noGrad, scope } from '../scope.js';
import type { Tensor } from '../tensor.js';

const ADAM = operator('reclmis::adam_', '');

export interface AdamOptions {
  /** Learning rate, at least 0; default 1e-3. May change between steps. */
  readonly lr?: number;
  /** Decay of the means of gradient and squared gradient, in [0, 1). Default [0.9, 0.999]. */
  readonly betas?: readonly [number, number];
  /** Added to the root of the second mean, default 1e-8. */
  readonly eps?: number;
  /** Default 0 for `Adam` and 0.01 for `AdamW`. */
  readonly weightDecay?: number;
  /** Factors of the learning rate, at least 0, by the parameter's key; default 1. They are no part of the state. */
  readonly factors?: ReadonlyMap<string, number>;
  /** Keys of parameters without weight decay, default none. */
  readonly undecayed?: ReadonlySet<string>;
}

/** Kept for a parameter from its first step on. */
interface State {
  readonly mean: Tensor;
  readonly meanSquare: Tensor;
  step: number;
}

interface Update {
  readonly parameter: Tensor;
  readonly gradient: Tensor;
  readonly state: State;
}

/** Parameters that take the same step. */
interface Group {
  readonly step: number;
  readonly lr: number;
  readonly decay: number;
  readonly updates: Update[];
}

function check(name: string, value: number, good: boolean, expected: string): void {
  if (!good) throw new ReclmisError('CONFIG_INVALID', `optimiser: ${name} must be ${expected}, got ${value}`);
}

abstract class AdamBase {
  /** Learning rate of the next step. */
  lr: number;
  readonly #parameters: ReadonlyMap<string, Tensor>;
  readonly #states = new Map<string, State>();
  readonly #stepTensors = new Map<string, Tensor>();
  readonly #beta1: number;
  readonly #beta2: number;
  readonly #eps: number;
  readonly #weightDecay: number;
  readonly #decoupled: boolean;
  readonly #factors: ReadonlyMap<string, number>;
  readonly #undecayed: ReadonlySet<string>;

  constructor(
    parameters: Iterable<Tensor> | ReadonlyMap<string, Tensor>,
    options: AdamOptions,
    decoupled: boolean,
  ) {
    const { lr = 1e-3, betas = [0.9, 0.999], eps = 1e-8, weightDecay = 0 } = options;
    const { factors = new Map<string, number>(), undecayed = new Set<string>() } = options;
    check('lr', lr, lr >= 0 && Number.isFinite(lr), 'at least 0');
    for (const beta of betas) check('each of betas', beta, beta >= 0 && beta < 1, 'within [0, 1)');
    check('eps', eps, eps >= 0, 'at least 0');
    check('weightDecay', weightDecay, weightDecay >= 0 && Number.isFinite(weightDecay), 'at least 0');
    this.#parameters = isMap(parameters)
      ? new Map(parameters)
      : new Map([...parameters].map((parameter, i) => [String(i), parameter]));
    for (const [key, factor] of factors) {
      check(`the factor of ${key}`, factor, factor >= 0 && Number.isFinite(factor), 'at least 0');
      if (!this.#parameters.has(key))
        throw new ReclmisError('CONFIG_INVALID', `optimiser: no parameter ${key}`);
    }
    for (const key of undecayed)
      if (!this.#parameters.has(key))
        throw new ReclmisError('CONFIG_INVALID', `optimiser: no parameter ${key}`);
    this.#factors = new Map(factors);
    this.#undecayed = new Set(undecayed);
    this.lr = lr;
    [this.#beta1, this.#beta2] = betas;
    this.#eps = eps;
    this.#weightDecay = weightDecay;
    this.#decoupled = decoupled;
  }

  /** Updates every parameter that has a gradient. */
  step(): void {
    noGrad(() =>
      scope(() => {
        const groups = new Map<string, Group>();
        for (const [key, parameter] of this.#parameters) {
          const gradient = parameter.grad;
          if (!gradient) continue;
          const state = this.#stateOf(key, parameter);
          state.step += 1;
          const { step } = state;
          const factor = this.#factors.get(key) ?? 1;
          const decay = this.#undecayed.has(key) ? 0 : this.#weightDecay;
          const alike = `${step} ${factor} ${decay}`;
          const group = groups.get(alike) ?? { step, lr: this.lr * factor, decay, updates: [] };
          groups.set(alike, group);
          group.updates.push({ parameter, gradient, state });
        }
        for (const group of groups.values()) this.#update(group);
      }),
    );
  }

  #update({ step, lr, decay, updates }: Group): void {
    const parameters = updates.map((update) => update.parameter);
    const means = updates.map((update) => update.state.mean);
    const meanSquares = updates.map((update) => update.state.meanSquare);
    let gradients = updates.map((update) => update.gradient);
    const own = parameters.every(({ dtype, device }) => dtype === 'float32' && device === 'cpu');
    if (own && native().hasLanes()) {
      const lists = [parameters, gradients, means, meanSquares].map(ids);
      const [beta1, beta2] = [this.#beta1, this.#beta2];
      invoke(ADAM, [...lists, lr, beta1, beta2, this.#eps, decay, this.#decoupled, step]);
      return;
    }
    if (decay !== 0) {
      if (this.#decoupled) foreachMul_(parameters, 1 - lr * decay);
      else gradients = foreachAdd(gradients, parameters, { alpha: decay });
    }
    foreachMul_(means, this.#beta1);
    foreachAdd_(means, gradients, { alpha: 1 - this.#beta1 });
    foreachMul_(meanSquares, this.#beta2);
    foreachAddcmul_(meanSquares, gradients, gradients, 1 - this.#beta2);
    const correction1 = 1 - this.#beta1 ** step;
    const correction2 = Math.sqrt(1 - this.#beta2 ** step);
    const denominators = foreachSqrt(meanSquares);
    foreachAdd_(denominators, correction2 * this.#eps);
    foreachAddcdiv_(parameters, means, denominators, (-lr * correction2) / correction1);
  }

  #stateOf(key: string, parameter: Tensor): State {
    const known = this.#states.get(key);
    if (known) return known;
    const state = { mean: keep(parameter.zerosLike()), meanSquare: keep(parameter.zerosLike()), step: 0 };
    this.#states.set(key, state);
    return state;
  }

  /** Drops all gradients. */
  zeroGrad(): void {
    for (const parameter of this.#parameters.values()) parameter.clearGrad();
  }

  /**
   * All that later steps depend on except options and `lr`: `KEY.exp_avg` and `KEY.exp_avg_sq` of the
   * parameter's shape and `KEY.step`, an int64 scalar, for each parameter that has taken a step. KEY is its
   * name if `namedParameters()` was given, else its position. Live handles: do not dispose.
   */
  stateDict(): Map<string, Tensor> {
    const all = new Map<string, Tensor>();
    for (const [key, state] of this.#states) {
      let step = this.#stepTensors.get(key);
      if (!step) {
        step = keep(zeros([], { dtype: 'int64' }));
        this.#stepTensors.set(key, step);
      }
      step.fill_(state.step);
      all.set(`${key}.exp_avg`, state.mean);
      all.set(`${key}.exp_avg_sq`, state.meanSquare);
      all.set(`${key}.step`, step);
    }
    return all;
  }

  /**
   * Copies a state from `stateDict`; parameters it does not name start afresh.
   * @throws CHECKPOINT_MISMATCH for a key of no parameter, an incomplete entry or another shape; nothing
   * changes then.
   */
  loadStateDict(state: ReadonlyMap<string, Tensor>): void {
    const loaded: { key: string; parameter: Tensor; mean: Tensor; meanSquare: Tensor; step: number }[] = [];
    for (const [key, parameter] of this.#parameters) {
      const [mean, meanSquare, step] = ['exp_avg', 'exp_avg_sq', 'step'].map((part) =>
        state.get(`${key}.${part}`),
      );
      if (!mean && !meanSquare && !step) continue;
      if (!mean || !meanSquare || !step) {
        throw mismatch(`${key}: expected exp_avg, exp_avg_sq and step, the state has only some of them`);
      }
      for (const tensor of [mean, meanSquare]) {
        if (tensor.shape.join() !== parameter.shape.join()) {
          throw mismatch(
            `${key}: expected moments of shape [${parameter.shape.join(', ')}], got [${tensor.shape.join(', ')}]`,
          );
        }
      }
      const count = step.numel === 1 ? step.item() : NaN;
      if (!Number.isSafeInteger(count) || count < 1)
        throw mismatch(`${key}.step: expected a count, got ${count}`);
      loaded.push({ key, parameter, mean, meanSquare, step: count });
    }
    if (loaded.length * 3 !== state.size) {
      const known = new Set(
        loaded.flatMap(({ key }) => [`${key}.exp_avg`, `${key}.exp_avg_sq`, `${key}.step`]),
      );
      const foreign = [...state.keys()].filter((key) => !known.has(key));
      throw mismatch(
        `the state has ${foreign.length} keys that match no parameter, the first is ${foreign[0] ?? ''}`,
      );
    }
    noGrad(() =>
      scope(() => {
        const fresh = loaded.map(({ key, parameter, mean, meanSquare, step }) => {
          const state: State = { mean: parameter.zerosLike(), meanSquare: parameter.zerosLike(), step };
          state.mean.copy_(mean);
          state.meanSquare.copy_(meanSquare);
          return [key, state] as const;
        });
        this.dispose();
        for (const [key, state] of fresh) {
          keep(state.mean);
          keep(state.meanSquare);
          this.#states.set(key, state);
        }
      }),
    );
  }

  /** Frees the moments, not the parameters; a later step starts afresh. Safe to repeat. */
  dispose(): void {
    for (const { mean, meanSquare } of this.#states.values()) {
      mean.dispose();
      meanSquare.dispose();
    }
    for (const step of this.#stepTensors.values()) step.dispose();
    this.#states.clear();
    this.#stepTensors.clear();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

function isMap(value: Iterable<Tensor> | ReadonlyMap<string, Tensor>): value is ReadonlyMap<string, Tensor> {
  return value instanceof Map;
}

function mismatch(message: string): ReclmisError {
  return new ReclmisError('CHECKPOINT_MISMATCH', `optimiser state: ${message}`);
}

/** Adam; weight decay is an L2 penalty added to the gradient. */
export class Adam extends AdamBase {
  /** @param parameters to train; `namedParameters()` keys the state by name. */
  constructor(parameters: Iterable<Tensor> | ReadonlyMap<string, Tensor>, options: AdamOptions = {}) {
    super(parameters, options, false);
  }
}

/** Adam with decoupled weight decay, default 0.01. */
export class AdamW extends AdamBase {
  /** @param parameters to train; `namedParameters()` keys the state by name. */
  constructor(parameters: Iterable<Tensor> | ReadonlyMap<string, Tensor>, options: AdamOptions = {}) {
    super(parameters, { weightDecay: 0.01, ...options }, true);
  }
}
