import { describe, expect, it } from 'vitest';
import { parseJsonLines } from './json-lines.js';

const blank = { description: '', spacing: '', source: '' };

describe('parseJsonLines', () => {
  it('reads rows from objects with any further members', () => {
    expect(
      parseJsonLines(
        '{"image":"a.png","note":"x","reader":{"image":"q","note":[{"note":1}]}}\n\n{"image":"b","note":null,"spacing":0.5,"source":"derived from masks"}\n{"image":"c","spacing":[1,2]}\n{"image":"d","spacing":null,"source":null}',
      ).rows,
    ).toEqual([
      { ...blank, number: 1, image: 'a.png', description: 'x' },
      { ...blank, number: 3, image: 'b', spacing: '0.5', source: 'derived from masks' },
      { ...blank, number: 4, image: 'c', spacing: '1 x 2' },
      { ...blank, number: 5, image: 'd' },
    ]);
  });

  it('names the wrong line without quoting it', () => {
    for (const [line, why] of [
      ['{"image":"a","note":"secret"', 'is not JSON'],
      ['{"note":"secret"}', 'with the text "image"'],
      ['{"image":null,"note":"secret"}', 'with the text "image"'],
      ['{"image":1,"note":"secret"}', 'text as "image"'],
      ['{"image":"a","note":["secret"]}', 'text as "note"'],
      ['{"image":"a","note":"x","spacing":"secret"}', 'a number or two numbers as "spacing"'],
      ['{"image":"a","note":"x","spacing":[]}', 'a number or two numbers as "spacing"'],
      ['{"image":"a","note":"x","spacing":[1,2,3]}', 'a number or two numbers as "spacing"'],
      ['"secret"', 'expected an object'],
      ['["secret"]', 'expected an object'],
    ] as const)
      expect(() => parseJsonLines(`{"image":"a"}\n${line}`, 'n.jsonl'), line).toThrow(
        new RegExp(`^n\\.jsonl: line 2: (?!.*secret).*${why}`, 'u'),
      );
  });

  it('refuses a duplicate or slightly misnamed member', () => {
    for (const [line, why] of [
      ['{"image":"a","note":"x","note":"y"}', 'holds "note" twice'],
      ['{"image":"a","n\\u006fte":"x","note":"y"}', 'holds "note" twice'],
      ['{"image":"a","description":"x"}', 'expected "note", got "description"'],
      ['{"image":"a","note":"x","Spacing":0.5}', 'expected "spacing", got "Spacing"'],
      ['{"Image":"a","note":"x"}', 'expected "image", got "Image"'],
    ] as const)
      expect(() => parseJsonLines(line, 'n.jsonl'), line).toThrow(`n.jsonl: line 1: ${why}`);
    expect(parseJsonLines('{"image":"a","note":"x","description":"y"}').rows).toHaveLength(1);
  });
});
