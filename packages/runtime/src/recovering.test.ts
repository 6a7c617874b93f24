import { describe, expect, it } from 'vitest';
import { recoveringNetwork, type SharedDevice } from './recovering.js';
import type { Kept, Network } from './seams.js';

/** A device that can be lost once, and networks on it that say where they ran. */
function makeDevice(): {
  shared: SharedDevice;
  lose: () => void;
  open: (name: string) => () => Promise<Network>;
  log: string[];
  why: unknown[];
} {
  let [epoch, lost] = [0, false];
  const [log, why]: [string[], unknown[]] = [[], []];
  const shared: SharedDevice = {
    get epoch() {
      return epoch;
    },
    fallBack(error) {
      why.push(error);
      if (epoch > 0) return false;
      epoch = 1;
      return true;
    },
  };
  const open = (name: string) => (): Promise<Network> => {
    const mine = epoch;
    const where = `${name} on ${mine}`;
    const check = (): void => {
      if (mine === 0 && lost) throw new Error(`${where}: device lost`);
    };
    log.push(`open ${where}`);
    return Promise.resolve({
      run: async (inputs, _output, kept) => {
        await Promise.resolve();
        check();
        const features = (kept as (Kept & { values: number }) | undefined)?.values ?? 0;
        return Float32Array.of(mine, Number(inputs['x']?.data[0] ?? 0) + features);
      },
      keep: async (inputs) => {
        await Promise.resolve();
        check();
        log.push(`keep ${where}`);
        return { values: Number(inputs['x']!.data[0]) * 10, release: () => Promise.resolve(void log.push(`free ${where}`)) } as Kept; // prettier-ignore
      },
      release: () => Promise.resolve(void log.push(`release ${where}`)),
    });
  };
  const lose = (): void => {
    lost = true;
  };
  return { shared, open, log, why, lose };
}

const x = (value: number): { x: { data: Float32Array; shape: number[] } } => ({
  x: { data: Float32Array.of(value), shape: [1] },
});

describe('recoveringNetwork', () => {
  it('runs where it was opened until the device is lost, then on the other one', async () => {
    const { shared, open, log, lose, why } = makeDevice();
    const network = await recoveringNetwork(shared, open('a'));
    expect([...(await network.run(x(3), 'y'))]).toEqual([0, 3]);
    lose();
    expect([...(await network.run(x(4), 'y'))]).toEqual([1, 4]);
    expect([...(await network.run(x(5), 'y'))]).toEqual([1, 5]);
    expect(log).toEqual(['open a on 0', 'open a on 1', 'release a on 0']);
    expect(why).toHaveLength(1);
    await network.release();
  });

  it('computes again what was kept on the lost device, from its images', async () => {
    const { shared, open, log, lose } = makeDevice();
    const image = await recoveringNetwork(shared, open('image'));
    const note = await recoveringNetwork(shared, open('note'));
    const inputs = x(2);
    const kept = await image.keep(inputs, ['f']);
    inputs.x.data[0] = 9; // the caller's array is the caller's
    expect([...(await note.run(x(1), 'y', kept))]).toEqual([0, 21]);
    lose();
    expect([...(await note.run(x(1), 'y', kept))]).toEqual([1, 21]);
    expect(log.filter((line) => line.startsWith('keep'))).toEqual(['keep image on 0', 'keep image on 1']);
    await kept.release();
    expect(log.at(-1)).toBe('free image on 1');
    await expect(note.run(x(1), 'y', kept)).rejects.toThrow('already released');
  });

  it('fails as before where there is no other device', async () => {
    const { shared, open, lose } = makeDevice();
    const network = await recoveringNetwork({ epoch: shared.epoch, fallBack: () => false }, open('a'));
    lose();
    await expect(network.run(x(1), 'y')).rejects.toThrow('a on 0: device lost');
  });
});
