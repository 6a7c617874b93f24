import { describe, expect, it } from 'vitest';
import { noteWording } from './note-wording.js';

const NOTE = 'Unilateral pulmonary infection, lower left lung.';

describe('noteWording', () => {
  it('leaves notes alone by default', () => {
    const { of, describe: told } = noteWording('as-is', [{ sides: 'patient', grammar: 'other' }]);
    expect(of('LLL opacity')).toBe('LLL opacity');
    expect(told(['LLL opacity'])).toBeNull();
  });

  it('puts what is understood into the model’s words, keeps sides, and says what went as written', () => {
    const { of, describe: told } = noteWording('free', [{ sides: 'image', grammar: 'lvit' }]);
    expect(of('LLL opacity')).toBe(NOTE);
    expect(of(NOTE)).toBe(NOTE);
    expect(of('Zorgblat at the left base')).toBe('Zorgblat at the left base');
    expect(of('')).toBe('');
    expect(told([NOTE, ''])).toBeNull();
    expect(told([NOTE, 'LLL opacity'])).toBe(
      '1 of 2 notes were put into the words that the model has learnt.',
    );
    expect(told(['LLL opacity', 'Zorgblat at the left base', NOTE])).toBe(
      '1 of 3 notes were put into the words that the model has learnt; 1 were not fully understood, or have no words in its grammar, and went as written.',
    );
  });

  it('refuses models that learnt other notes', () => {
    const habits = { sides: 'unknown', grammar: 'other' } as const;
    expect(() => noteWording('free', [{ sides: 'patient', grammar: 'lvit' }, habits])).toThrow(
      /expected a model whose training notes follow a grammar that is known/,
    );
    const nuclei = { sides: 'unknown', grammar: 'nuclei' } as const;
    expect(() => noteWording('free', [{ sides: 'patient', grammar: 'lvit' }, nuclei])).toThrow(
      /learnt notes about the same things, got chest and nuclei/,
    );
  });
});
