/// <reference types="node" />
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { NEWER_REMEDY, ReclmisError } from '@reclmis/core';
import { NO_CASES } from '../state/cases.js';
import { keptOf, readKept } from './kept.js';

const fixture: unknown = JSON.parse(
  readFileSync(new URL('../../../../tests/fixtures/formats/session-1.json', import.meta.url), 'utf8'),
);

describe('a kept session', () => {
  it('of form 1 is read, as it is written now', () => {
    expect(readKept(fixture)).toEqual(keptOf(NO_CASES));
  });

  it('is none where nothing was kept, or half of it', () => {
    expect([undefined, null, {}, { form: '1' }, { form: 1, cases: {} }].map(readKept)).toEqual([
      null,
      null,
      null,
      null,
      null,
    ]);
  });

  it('of a newer version is refused as such', () => {
    try {
      readKept({ form: 9, cases: NO_CASES });
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(ReclmisError);
      expect((error as ReclmisError).message).toMatch(
        /^the kept session: .*made by a newer version of reclmis$/,
      );
      expect((error as ReclmisError).remedy).toBe(NEWER_REMEDY);
    }
  });
});
