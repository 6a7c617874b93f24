import { describe, expect, it } from 'vitest';
import { ERRORS, isErrorCode, ReclmisError, toReclmisError } from './errors.js';

describe('the error catalogue', () => {
  it('writes codes in capitals, and whole sentences', () => {
    for (const [code, { meaning, remedy, exitCode }] of Object.entries(ERRORS)) {
      expect(code).toMatch(/^[A-Z]+(_[A-Z]+)*$/);
      expect(meaning, code).toMatch(/^\S.*\.$/);
      expect(remedy, code).toMatch(/^\S.*\.$/);
      expect(exitCode, code).toBeGreaterThan(0);
    }
  });

  it('knows its own codes only', () => {
    expect(isErrorCode('IMAGE_MISSING')).toBe(true);
    expect(isErrorCode('toString')).toBe(false);
  });
});

describe('ReclmisError', () => {
  it('takes remedy and exit code from the catalogue unless told otherwise', () => {
    const plain = new ReclmisError('IMAGE_MISSING', 'no image a.png');
    expect(plain).toMatchObject({
      name: 'ReclmisError',
      code: 'IMAGE_MISSING',
      message: 'no image a.png',
      remedy: ERRORS.IMAGE_MISSING.remedy,
      exitCode: 3,
    });
    expect('cause' in plain).toBe(false);
    const cause = new Error('below');
    const special = new ReclmisError('DISK_FULL', 'full', { cause, remedy: 'Buy a disk.' });
    expect(special.remedy).toBe('Buy a disk.');
    expect(special.cause).toBe(cause);
    expect(special).toBeInstanceOf(Error);
  });

  it('wraps what is not one of ours', () => {
    const own = new ReclmisError('INTERRUPTED', 'stop');
    expect(toReclmisError(own)).toBe(own);
    expect(toReclmisError(new TypeError('x is undefined'))).toMatchObject({
      code: 'INTERNAL',
      message: 'x is undefined',
      exitCode: 70,
    });
    expect(toReclmisError('text').message).toBe('text');
  });
});
