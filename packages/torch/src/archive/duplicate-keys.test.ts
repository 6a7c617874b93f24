import { expect, test } from 'vitest';
import { findDuplicateKey } from './duplicate-keys.js';

test.each([
  ['{"a":1,"b":{"a":2},"c":[{"a":3},{"a":4}]}', null],
  ['{"a":1,"b":2,"a":3}', 'a'],
  ['{"x":{"k":1,"k":1}}', 'k'],
  ['{"a":1, "\\u0061" : 2}', 'a'],
  ['{"a":"b","b":"a","c":["a","a"]}', null],
  ['{"a\\"":1,"a":"}{,\\"a\\":","b":[[],{}],"a":0}', 'a'],
  ['{"__proto__":1,"__proto__":2}', '__proto__'],
  ['["a","a",{}]', null],
])('%s', (json, expected) => {
  JSON.parse(json);
  expect(findDuplicateKey(json)).toBe(expected);
});
