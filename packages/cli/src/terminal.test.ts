import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { Progress } from './progress.js';
import { duration, formatTable, percent } from './table.js';

describe('formatTable', () => {
  it('aligns words to the left and figures to the right, and fills short rows', () => {
    const table = formatTable(
      [{ title: 'what' }, { title: 'Dice', align: 'right' }],
      [['mean over images', '85.22'], ['é', '7.00'], ['none']],
    );
    expect(table.split('\n')).toEqual([
      'what               Dice',
      '───────────────────────',
      'mean over images  85.22',
      'é                  7.00',
      'none',
    ]);
  });
});

describe('figures', () => {
  it('percent has two decimals', () => {
    expect([percent(0.85221), percent(1), percent(0)]).toEqual(['85.22', '100.00', '0.00']);
  });

  it('duration rounds to what people read', () => {
    expect([42.4, 59.6, 185, 7620, 3599.7].map(duration)).toEqual([
      '42 s',
      '1 min 00 s',
      '3 min 05 s',
      '2 h 07 min',
      '1 h 00 min',
    ]);
  });
});

describe('Progress', () => {
  function show(options: { quiet?: boolean; everySeconds: number }): string {
    let text = '';
    const sink = new Writable({
      write(chunk: Buffer, _encoding, done) {
        text += chunk.toString();
        done();
      },
    }); // isTTY is undefined
    const progress = new Progress({ label: 'reading', total: 4, stream: sink, ...options });
    progress.update(1, 'a.png');
    progress.update(4);
    progress.stop('done');
    progress.stop();
    return text;
  }

  it('ends without a line if nothing was done', () => {
    let text = '';
    const stream = new Writable({
      write(chunk: Buffer, _encoding, done) {
        text += chunk.toString();
        done();
      },
    });
    new Progress({ label: 'reading', total: 4, stream }).stop();
    expect(text).toBe('');
    new Progress({ label: 'reading', total: 4, stream }).stop('refused');
    expect(text).toMatch(/^reading: 0\/4 .*refused\n$/);
  });

  it('writes plain lines without a terminal', () => {
    const lines = show({ everySeconds: 0 }).trimEnd().split('\n');
    expect(lines).toHaveLength(3);
    expect(lines[0]).toMatch(/^reading: 1\/4 \(25 %\), \d+ s left, a\.png$/);
    expect(lines[2]).toMatch(/^reading: 4\/4 \(100 %\), in \d+ s, done$/);
  });

  it('writes only the last line of short work, and nothing with -q', () => {
    expect(show({ everySeconds: 3600 }).trimEnd().split('\n')).toHaveLength(1);
    expect(show({ everySeconds: 0, quiet: true })).toBe('');
  });
});
