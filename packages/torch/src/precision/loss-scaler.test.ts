import { describe, expect, it } from 'vitest';
import { float32, LossScaler, randn, scope, Tensor } from '../index.js';

function withGradients(...gradients: readonly (readonly number[] | null)[]): Tensor[] {
  return gradients.map((values) => {
    const parameter = Tensor.fromFloat32(new Float32Array(values?.length ?? 1)).requiresGrad_();
    if (values) parameter.grad = Tensor.fromFloat32(values);
    return parameter;
  });
}

const gradientOf = (parameter: Tensor | undefined): number[] => [
  ...(parameter?.grad?.toFloat32Array() ?? []),
];

describe('LossScaler', () => {
  it('scales the loss by 65536 and returns unscaled gradients', () => {
    scope(() => {
      const scaler = new LossScaler();
      const x = randn([5]).requiresGrad_();
      scaler.scale(x.square().sum()).backward();
      expect(scaler.unscale([x])).toBe(true);
      const expected = x.detach().mul(2);
      expect(gradientOf(x)).toEqual([...expected.toFloat32Array()]); // powers of two: to the bit
    });
  });

  it('keeps what float16 would lose', () => {
    scope(() => {
      const run = (scaler: LossScaler | null): number => {
        const x = Tensor.fromFloat32([1]).requiresGrad_();
        // x's gradient passes through float16, where 1e-9 is 0 and 65536e-9 is not.
        const loss = float32(x.to({ dtype: 'float16' }))
          .mul(1e-9)
          .sum();
        (scaler ? scaler.scale(loss) : loss).backward();
        scaler?.unscale([x]);
        return x.grad?.item() ?? NaN;
      };
      expect(run(null)).toBe(0);
      expect(Math.abs(run(new LossScaler()) / 1e-9 - 1)).toBeLessThan(2 ** -11); // float16's rounding
    });
  });

  it.each([
    ['infinite', Infinity],
    ['minus infinite', -Infinity],
    ['not a number', NaN],
  ])('refuses a step with a gradient that is %s anywhere, and halves', (_, bad) => {
    scope(() => {
      const scaler = new LossScaler();
      const parameters = withGradients([1, 2], null, [3, bad, 4]);
      expect(scaler.unscale(parameters)).toBe(false);
      expect(gradientOf(parameters[0])).toEqual([1, 2]); // left as they were
      expect(scaler.factor).toBe(32768);
      expect(scaler.state).toEqual({ scale: 32768, goodSteps: 0 });
    });
  });

  it('accepts the largest finite gradients', () => {
    scope(() => {
      const scaler = new LossScaler({ initialScale: 2 });
      const largest = 3.4028234663852886e38;
      const parameters = withGradients([largest, largest, -largest]);
      expect(scaler.unscale(parameters)).toBe(true); // the sum of their squares would be infinite
      expect(gradientOf(parameters[0])).toEqual([largest / 2, largest / 2, -largest / 2]);
    });
  });

  it('doubles after 2,000 good steps in a row; an overflow restarts the count', () => {
    scope(() => {
      const scaler = new LossScaler();
      const good = withGradients([0]);
      const steps = (count: number): void => {
        for (let i = 0; i < count; i++) scaler.unscale(good);
      };
      steps(1999);
      expect(scaler.state).toEqual({ scale: 65536, goodSteps: 1999 });
      steps(1);
      expect(scaler.state).toEqual({ scale: 131072, goodSteps: 0 });
      steps(1999);
      scaler.unscale(withGradients([Infinity]));
      expect(scaler.state).toEqual({ scale: 65536, goodSteps: 0 });
      steps(1999);
      expect(scaler.factor).toBe(65536);
      steps(1);
      expect(scaler.factor).toBe(131072);
    });
  });

  it('stays finite as float32', () => {
    scope(() => {
      const scaler = new LossScaler({ initialScale: 2 ** 127, growthInterval: 1 });
      scaler.unscale(withGradients([0]));
      expect(scaler.factor).toBe(2 ** 127);
    });
  });

  it('continues from a saved state without a difference', () => {
    scope(() => {
      const scaler = new LossScaler({ growthInterval: 3 });
      scaler.unscale(withGradients([Infinity]));
      scaler.unscale(withGradients([1]));
      const other = new LossScaler({ growthInterval: 3 });
      other.restore(JSON.parse(JSON.stringify(scaler.state)) as typeof scaler.state);
      for (const gradient of [1, 1, NaN, 1]) {
        const [a, b] = [scaler, other].map((one) => one.unscale(withGradients([gradient])));
        expect(b).toBe(a);
        expect(other.state).toEqual(scaler.state);
      }
    });
  });

  it.each([
    { scale: 0, goodSteps: 0 },
    { scale: NaN, goodSteps: 0 },
    { scale: 1e39, goodSteps: 0 },
    { scale: 2, goodSteps: 2000 },
    { scale: 2, goodSteps: 0.5 },
  ])('refuses the state %o', (state) => {
    const scaler = new LossScaler();
    expect(() => scaler.restore(state)).toThrow(
      expect.objectContaining({ code: 'CHECKPOINT_MISMATCH' }) as Error,
    );
    expect(scaler.state).toEqual({ scale: 65536, goodSteps: 0 });
  });

  it.each([{ initialScale: 0 }, { growthFactor: 1 }, { backoffFactor: 1 }, { growthInterval: 0 }])(
    'refuses the options %o',
    (options) => {
      expect(() => new LossScaler(options)).toThrow(
        expect.objectContaining({ code: 'CONFIG_INVALID' }) as Error,
      );
    },
  );
});
