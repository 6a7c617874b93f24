import { describe, expect, it } from 'vitest';
import { MinHeap } from './min-heap.js';
import { Random } from '../random.js';

describe('MinHeap', () => {
  it('returns numbers in order, with growth and duplicates', () => {
    const random = Random.from('heap');
    const keys = Array.from({ length: 1000 }, () => random.int(300));
    const heap = new MinHeap(1);
    for (const key of keys) heap.push(key);
    expect(heap.size).toBe(1000);
    expect(keys.map(() => heap.pop())).toEqual([...keys].sort((a, b) => a - b));
    expect(heap.pop()).toBeUndefined();
  });

  it('keeps its order with mixed pushes and pops', () => {
    const heap = new MinHeap(0);
    heap.push(5);
    heap.push(2);
    expect(heap.pop()).toBe(2);
    heap.push(1);
    heap.push(9);
    expect([heap.pop(), heap.pop(), heap.pop(), heap.pop()]).toEqual([1, 5, 9, undefined]);
  });
});
