/**
 * Loss scaling for float16, as PyTorch's `GradScaler` (Micikevicius et al. 2018, section 3.2): float16 loses
 * values below 6e-8, so the loss is multiplied by a factor and the gradients divided by it. An overflow skips
 * the update and halves the factor; 2,000 good steps in a row double it.
 */
import { ReclmisError } from '@reclmis/core';
import { foreachMul_, foreachNorm, stack } from '../generated/functions.js';
import { noGrad, scope } from '../scope.js';
import type { Tensor } from '../tensor.js';

/** The defaults are PyTorch's. */
export interface LossScalerOptions {
  /** First factor, default 65536. */
  readonly initialScale?: number;
  /** Multiplies the factor after `growthInterval` good steps, default 2. */
  readonly growthFactor?: number;
  /** Multiplies the factor after an overflow, default 0.5. */
  readonly backoffFactor?: number;
  /** Good steps in a row before the factor grows, default 2000. */
  readonly growthInterval?: number;
}

/** All that later steps depend on except options; plain JSON. */
export interface LossScalerState {
  readonly scale: number;
  /** Good steps since the factor changed. */
  readonly goodSteps: number;
}

/** The largest float32; a larger factor would be infinite on the device. */
const LARGEST = 3.4028234663852886e38;

export class LossScaler {
  #scale: number;
  #goodSteps = 0;
  readonly #growthFactor: number;
  readonly #backoffFactor: number;
  readonly #growthInterval: number;

  /** @throws CONFIG_INVALID for an option outside its range. */
  constructor({
    initialScale = 65536,
    growthFactor = 2,
    backoffFactor = 0.5,
    growthInterval = 2000,
  }: LossScalerOptions = {}) {
    check('initialScale', initialScale, usable(initialScale), 'above 0 and finite as float32');
    check('growthFactor', growthFactor, growthFactor > 1 && Number.isFinite(growthFactor), 'above 1');
    check('backoffFactor', backoffFactor, backoffFactor > 0 && backoffFactor < 1, 'within (0, 1)');
    check(
      'growthInterval',
      growthInterval,
      Number.isSafeInteger(growthInterval) && growthInterval >= 1,
      'a count',
    );
    this.#scale = initialScale;
    this.#growthFactor = growthFactor;
    this.#backoffFactor = backoffFactor;
    this.#growthInterval = growthInterval;
  }

  /** The factor of the next backward pass. */
  get factor(): number {
    return this.#scale;
  }

  /** The loss to call `backward()` on. @param loss of any shape, float32. */
  scale(loss: Tensor): Tensor {
    return loss.mul(this.#scale);
  }

  /**
   * Call after the backward pass: divides finite gradients by the factor and sets the next step's. Waits for
   * the device.
   * @param parameters whose gradients to treat, if any. @returns whether to take the optimiser's step; if
   * not, the gradients are worthless.
   */
  unscale(parameters: Iterable<Tensor>): boolean {
    const finite = noGrad(() =>
      scope(() => {
        const gradients = [...parameters].flatMap((parameter) => parameter.grad ?? []);
        if (gradients.length === 0) return true;
        // The largest magnitude of each gradient, infinite or NaN if any value is; one transfer for all.
        const largest = stack(foreachNorm(gradients, Infinity)); // [gradients]
        const finite = largest.isfinite().all().item() === 1;
        if (finite) foreachMul_(gradients, 1 / this.#scale);
        return finite;
      }),
    );
    this.#update(finite);
    return finite;
  }

  #update(finite: boolean): void {
    this.#goodSteps = finite ? this.#goodSteps + 1 : 0;
    if (!finite) {
      this.#scale *= this.#backoffFactor;
    } else if (this.#goodSteps === this.#growthInterval) {
      const grown = this.#scale * this.#growthFactor;
      if (grown <= LARGEST) this.#scale = grown;
      this.#goodSteps = 0;
    }
  }

  /** To save with the optimiser's state. */
  get state(): LossScalerState {
    return { scale: this.#scale, goodSteps: this.#goodSteps };
  }

  /** Restores a saved state. @throws CHECKPOINT_MISMATCH for one impossible with these options. */
  restore({ scale, goodSteps }: LossScalerState): void {
    const counts = Number.isSafeInteger(goodSteps) && goodSteps >= 0 && goodSteps < this.#growthInterval;
    if (!usable(scale) || !counts) {
      throw new ReclmisError(
        'CHECKPOINT_MISMATCH',
        `loss scaler: expected a scale above 0 and 0 to ${this.#growthInterval - 1} good steps, got ${scale} and ${goodSteps}`,
      );
    }
    this.#scale = scale;
    this.#goodSteps = goodSteps;
  }
}

function usable(scale: number): boolean {
  return scale > 0 && scale <= LARGEST;
}

function check(name: string, value: number, good: boolean, expected: string): void {
  if (!good)
    throw new ReclmisError('CONFIG_INVALID', `loss scaler: ${name} must be ${expected}, got ${value}`);
}
