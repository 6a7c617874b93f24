/**
 * Networks on WebGPU that go on with WebAssembly when the device is lost: a driver that restarts, a laptop that changes its
 * graphics processor. What was kept on the device is computed again from the images, so callers notice nothing but the time.
 */
import type { Inputs, Kept, Network } from './seams.js';

/** The device that all networks of a model share. */
export interface SharedDevice {
  /** Raised when the networks must be opened again. */
  readonly epoch: number;
  /** Switches to another device. @param why what failed @returns false if there is none */
  fallBack(why: unknown): boolean;
}

type Open = () => Promise<Network>;

/** @param open on the current device; called again after a fall back */
export async function recoveringNetwork(device: SharedDevice, open: Open): Promise<Network> {
  const network = new RecoveringNetwork(device, open);
  await network.start();
  return network;
}

class RecoveringNetwork implements Network {
  private inner: Network | null = null;
  private epoch = -1;

  constructor(
    private readonly device: SharedDevice,
    private readonly open: Open,
  ) {}

  async start(): Promise<void> {
    this.inner = await this.open();
    this.epoch = this.device.epoch;
  }

  run(inputs: Inputs, output: string, kept?: Kept): Promise<Float32Array> {
    return this.recovered(async (network) =>
      network.run(inputs, output, kept instanceof Remembered ? await kept.current() : kept),
    );
  }

  async keep(inputs: Inputs, outputs: readonly string[]): Promise<Kept> {
    const kept = new Remembered(this.device, copied(inputs), (own) =>
      this.recovered((network) => network.keep(own, outputs)),
    );
    await kept.current();
    return kept;
  }

  async release(): Promise<void> {
    await this.inner?.release();
    this.inner = null;
  }

  /** Once more on the other device, if this one fails. @throws the first failure if the other fails too */
  private async recovered<T>(work: (network: Network) => Promise<T>): Promise<T> {
    try {
      return await work(await this.current());
    } catch (error) {
      // Another network of the model may have noticed first.
      if (this.epoch === this.device.epoch && !this.device.fallBack(error)) throw error;
      return work(await this.current());
    }
  }

  private async current(): Promise<Network> {
    if (this.inner !== null && this.epoch === this.device.epoch) return this.inner;
    const lost = this.inner;
    await this.start();
    await lost?.release().catch(() => undefined); // its device is gone
    return this.inner!;
  }
}

/** Features with the images that they are of. */
class Remembered implements Kept {
  private made: Kept | null = null;
  private epoch = -1;
  private released = false;

  constructor(
    private readonly device: SharedDevice,
    private readonly inputs: Inputs,
    private readonly make: (inputs: Inputs) => Promise<Kept>,
  ) {}

  async current(): Promise<Kept> {
    if (this.released) throw new Error('the features were already released');
    if (this.made !== null && this.epoch === this.device.epoch) return this.made;
    await this.made?.release().catch(() => undefined);
    this.made = await this.make(this.inputs);
    this.epoch = this.device.epoch;
    return this.made;
  }

  async release(): Promise<void> {
    this.released = true;
    await this.made?.release().catch(() => undefined);
    this.made = null;
  }
}

/** Callers may write into theirs afterwards. */
function copied(inputs: Inputs): Inputs {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, { data, shape }]) => [name, { data: data.slice(), shape }]),
  );
}
