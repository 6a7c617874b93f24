import { manualSeed, nn, randn, scope, Tensor } from '@reclmis/torch';
import { describe, expect, it } from 'vitest';
import { attentionMask, conditionMask } from './condition.js';
import { rowsOf } from './testing.js';

const B = 2;
const M = 3;
const N = 4;
const C = 8;
const H = 4;
const D = C / H;

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((s, value, i) => s + value * (b[i] ?? 0), 0);

/** The paper's attention, one head, query and key at a time: softmax, times P + 1e-10, normalised again. */
function bruteForce(
  attention: nn.MultiheadAttention,
  query: Tensor,
  source: Tensor,
  P: readonly (readonly number[])[] | null,
  causal: boolean,
): number[] {
  const state = attention.stateDict();
  const rows = (key: string): number[][] => rowsOf((state.get(key) as Tensor).detach());
  const [inWeight, outWeight] = [rows('in_proj_weight'), rows('out_proj.weight')];
  const [inBias, outBias] = [rows('in_proj_bias')[0] ?? [], rows('out_proj.bias')[0] ?? []];
  const project = (x: readonly number[], part: number): number[] =>
    range(C).map((c) => dot(x, inWeight[part * C + c] ?? []) + (inBias[part * C + c] ?? 0));
  const [queries, sources] = [rowsOf(query), rowsOf(source)];
  const length = sources.length / B;
  const result: number[] = [];
  queries.forEach((x, row) => {
    const [b, m] = [Math.floor(row / (queries.length / B)), row % (queries.length / B)];
    const keys = range(length).map((n) => sources[b * length + n] ?? []);
    const q = project(x, 0);
    const mixed = range(H).flatMap((h) => {
      const head = (vector: readonly number[]): number[] => vector.slice(h * D, (h + 1) * D);
      const scores = keys.map((key, n) =>
        causal && n > m ? Number.NEGATIVE_INFINITY : dot(head(q), head(project(key, 1))) / Math.sqrt(D),
      );
      const sum = scores.reduce((s, score) => s + Math.exp(score), 0);
      let A = scores.map((score) => Math.exp(score) / sum);
      if (P) {
        A = A.map((a, n) => a * ((P[b]?.[n] ?? 0) + 1e-10));
        const total = A.reduce((s, a) => s + a, 0);
        A = A.map((a) => a / total);
      }
      return range(D).map((d) => A.reduce((s, a, n) => s + a * (head(project(keys[n] ?? [], 2))[d] ?? 0), 0));
    });
    result.push(...range(C).map((c) => dot(mixed, outWeight[c] ?? []) + (outBias[c] ?? 0)));
  });
  return result;
}

const close = (actual: Tensor, expected: readonly number[]): void => {
  const values = actual.detach().toFloat32Array();
  expect(values.length).toBe(expected.length);
  // float32 against double precision over sums of eight terms.
  expected.forEach((value, i) => expect(Math.abs((values[i] ?? Number.NaN) - value)).toBeLessThan(2e-6));
};

describe('conditioned attention', () => {
  it('is A * (P + 1e-10), normalised again, also where P is 0', () => {
    scope(() => {
      manualSeed(5);
      using attention = new nn.MultiheadAttention(C, H);
      const [query, source] = [randn([B, M, C]), randn([B, N, C])];
      const P = [
        [0.7, 0, 0.3, 0],
        [0.1, 0.2, 0.3, 0.4],
      ];
      const condition = conditionMask(Tensor.fromFloat32(P.flat(), [B, N]));
      const mask = attentionMask(condition, null, { batch: B, queries: M, keys: N });
      close(
        attention.forward(query, source, source, { mask }),
        bruteForce(attention, query, source, P, false),
      );
    });
  });

  it('goes together with causality', () => {
    scope(() => {
      manualSeed(6);
      using attention = new nn.MultiheadAttention(C, H);
      const x = randn([B, N, C]);
      const P = [
        [0, 0.5, 0.25, 0.25], // the first query sees only a key of probability 0
        [0.1, 0.2, 0.3, 0.4],
      ];
      const condition = conditionMask(Tensor.fromFloat32(P.flat(), [B, N]));
      const mask = attentionMask(condition, nn.causalMask(N, x), { batch: B, queries: N, keys: N });
      close(attention.forward(x, x, x, { mask }), bruteForce(attention, x, x, P, true));
      const causalOnly = attentionMask(null, nn.causalMask(N, x), { batch: B, queries: N, keys: N });
      close(attention.forward(x, x, x, { mask: causalOnly }), bruteForce(attention, x, x, null, true));
    });
  });

  it('changes nothing for equal probabilities', () => {
    scope(() => {
      manualSeed(8);
      using attention = new nn.MultiheadAttention(C, H);
      const x = randn([B, N, C]);
      const even = conditionMask(Tensor.fromFloat32(new Float32Array(B * N).fill(1 / N), [B, N]));
      const mask = attentionMask(even, null, { batch: B, queries: N, keys: N });
      close(
        attention.forward(x, x, x, { mask }),
        Array.from(attention.forward(x, x, x).detach().toFloat32Array()),
      );
    });
  });

  it('gives P a gradient, finite also where P is 0', () => {
    scope(() => {
      manualSeed(9);
      using attention = new nn.MultiheadAttention(C, H);
      const x = randn([1, N, C]);
      const P = Tensor.fromFloat32([0.5, 0.5, 0, 0], [1, N]).requiresGrad_(true);
      const mask = attentionMask(conditionMask(P), null, { batch: 1, queries: N, keys: N });
      attention.forward(x, x, x, { mask }).square().sum().backward();
      expect(P.grad?.isfinite().all().item()).toBe(1);
      expect(P.grad?.abs().max().item()).toBeGreaterThan(0);
    });
  });
});
