import { expect, it } from 'vitest';
import { defined } from './defined.js';

it('leaves out undefined members only', () => {
  const given: { a?: number; b: string | undefined; c: null; d: number } = { b: undefined, c: null, d: 0 };
  const exact: { a?: number; b?: string; c?: null; d?: number } = { ...defined(given) };
  expect(exact).toStrictEqual({ c: null, d: 0 });
  expect('b' in exact).toBe(false);
});
