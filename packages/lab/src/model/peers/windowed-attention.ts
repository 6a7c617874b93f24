/**
 * Attention within windows (Swin Transformer, Liu et al. 2021, section 3; microsoft/Swin-Transformer, MIT),
 * for Swin-Unet and LAVT.
 *
 * A block attends within windows of M x M tokens, every other block within windows moved by `shift`: its map
 * is rolled, and a mask keeps apart regions that meet only because of the roll. Maps of any size are padded
 * with zeros, below and to the right, to a multiple of the window, and cropped afterwards. Padded tokens take
 * part in attention like the others.
 *
 * B batch, H x W tokens of a map, C channels, M side of a window, T = M x M its tokens, n windows of a map, N
 * = B x n, h heads, D = C / h.
 */
import { attendWindows, float32, nn, takesAttention, Tensor, keep } from '@reclmis/torch';
import { DropPath } from './drop-path.js';

/** H and W. */
export type Sides = readonly [height: number, width: number];

/** Added to scores between regions, as in the paper's code. */
const BARRED = -100;

/**
 * Tensors that follow from sizes, device and dtype, made once: a model's blocks share them, and checkpoints
 * do not hold them. They live outside all scopes until `dispose`.
 */
export class WindowTables {
  readonly #kept = new Map<string, Tensor>();

  /**
   * Row of the bias table for each pair of tokens, int64 [T x T]: (row_a - row_b + M - 1)(2M - 1) + (column_a
   * - column_b + M - 1).
   */
  pairs(M: number, { device }: Tensor): Tensor {
    return this.#once(`${M} ${device}`, () => {
      const T = M * M;
      const rows = Array.from({ length: T * T }, (_, i) => {
        const [a, b] = [Math.floor(i / T), i % T];
        const down = Math.floor(a / M) - Math.floor(b / M) + M - 1;
        return down * (2 * M - 1) + (a % M) - (b % M) + M - 1;
      });
      return Tensor.fromInt64(rows, [T * T], { device });
    });
  }

  /**
   * 0 where two tokens belong to one region of the rolled map, else `BARRED`: [n,1,T,T].
   * @param sides multiples of M.
   */
  regions([H, W]: Sides, M: number, shift: number, { device, dtype }: Tensor): Tensor {
    return this.#once(`${H} ${W} ${M} ${shift} ${device} ${dtype}`, () => {
      const T = M * M;
      const n = (H / M) * (W / M);
      const band = (place: number, side: number): number =>
        Number(place >= side - M) + Number(place >= side - shift);
      const values = new Float64Array(n * T * T);
      for (let window = 0; window < n; window++) {
        const top = Math.floor(window / (W / M)) * M;
        const left = (window % (W / M)) * M;
        const region = Array.from(
          { length: T },
          (_, i) => 3 * band(top + Math.floor(i / M), H) + band(left + (i % M), W),
        );
        for (let a = 0; a < T; a++)
          for (let b = 0; b < T; b++) if (region[a] !== region[b]) values[(window * T + a) * T + b] = BARRED;
      }
      const shape = [n, 1, T, T];
      if (dtype === 'float64') return Tensor.fromFloat64(values, shape, { device });
      return Tensor.fromFloat32(Float32Array.from(values), shape, { device }); // autocast's scores are widened by the sum
    });
  }

  #once(key: string, make: () => Tensor): Tensor {
    const known = this.#kept.get(key);
    if (known) return known;
    const made = keep(make());
    this.#kept.set(key, made);
    return made;
  }

  /** Frees all; the next use makes them again. */
  dispose(): void {
    for (const tensor of this.#kept.values()) tensor.dispose();
    this.#kept.clear();
  }
}

/** Weights truncated normal of deviation 0.02, bias 0. Returns the layer. */
export function swinLinear(
  inputs: number,
  outputs: number,
  options?: { readonly bias?: boolean },
): nn.Linear {
  const layer = new nn.Linear(inputs, outputs, options);
  nn.truncatedNormal_(layer.weight, 0.02);
  nn.zero_(layer.bias);
  return layer;
}

/**
 * Attention within windows, with a bias for each head and relative position: keys `qkv`,
 * `relative_position_bias_table`, `proj`.
 */
class WindowAttention extends nn.Module {
  private readonly qkv: nn.Linear;
  private readonly table: Tensor;
  private readonly proj: nn.Linear;

  constructor(
    width: number,
    private readonly heads: number,
    private readonly window: number,
    private readonly tables: WindowTables,
  ) {
    super();
    this.table = this.parameter(
      'relative_position_bias_table',
      Tensor.fromFloat32(new Float32Array((2 * window - 1) ** 2 * heads), [(2 * window - 1) ** 2, heads]),
    );
    nn.truncatedNormal_(this.table, 0.02);
    this.qkv = this.child('qkv', swinLinear(width, 3 * width));
    this.proj = this.child('proj', swinLinear(width, width));
    this.ignoreKey('relative_position_index');
  }

  /**
   * @param x [B,H*W,C], row by row.
   * @param shift rows and columns of the windows' move. @returns the same shape.
   */
  forward(x: Tensor, sides: Sides, shift: number): Tensor {
    const { heads, window: M, table } = this;
    if (!takesAttention(x, heads)) return this.byWindows(x, sides, shift);
    const padding = sides.some((side) => side % M !== 0);
    const outside = padding ? this.qkv.bias : null; // of tokens that are 0
    const options = { sides, window: M, shift, heads, table, outside, barred: BARRED };
    return this.proj.forward(attendWindows(float32(this.qkv.forward(x)), options));
  }

  /** The same by libtorch's operators. */
  private byWindows(x: Tensor, [H, W]: Sides, shift: number): Tensor {
    const { window: M, tables } = this;
    const [B, , C] = x.shape3();
    const [rows, columns] = [Math.ceil(H / M), Math.ceil(W / M)];
    const padded = [rows * M, columns * M] as const;
    const padding = padded[0] > H || padded[1] > W;
    let map = x.view([B, H, W, C]);
    if (padding) map = map.pad([0, 0, 0, padded[1] - W, 0, padded[0] - H]); // [B,rows*M,columns*M,C]
    if (shift > 0) map = map.roll([-shift, -shift], [1, 2]);
    const windows = map
      .view([B, rows, M, columns, M, C])
      .permute([0, 1, 3, 2, 4, 5])
      .reshape([B * rows * columns, M * M, C]); // [N,T,C]
    const mask = shift > 0 ? tables.regions(padded, M, shift, x) : null;
    let attended = this.within(windows, mask)
      .view([B, rows, columns, M, M, C])
      .permute([0, 1, 3, 2, 4, 5])
      .reshape([B, padded[0], padded[1], C]);
    if (shift > 0) attended = attended.roll([shift, shift], [1, 2]);
    if (padding) attended = attended.narrow(1, 0, H).narrow(2, 0, W); // [B,H,W,C]
    return attended.reshape([B, H * W, C]);
  }

  /** @param x [N,T,C]. @param mask [n,1,T,T], added to the scores. @returns [N,T,C]. */
  private within(x: Tensor, mask: Tensor | null): Tensor {
    const [N, T, C] = x.shape3();
    const { heads: h } = this;
    const bias = this.table
      .index([this.tables.pairs(this.window, x)])
      .view([1, T, T, h])
      .permute([0, 3, 1, 2]) // [1,h,T,T]
      .contiguous();
    const shifts = mask ? bias.add(mask) : bias; // [n,h,T,T], or [1,h,T,T]
    const n = shifts.size(0);
    const [q, k, v] = this.qkv
      .forward(x) // [N,T,3C]
      .view([N, T, 3, h, C / h])
      .permute([2, 0, 3, 1, 4])
      .reshape([3, N * h, T, C / h])
      .unbind(0) as [Tensor, Tensor, Tensor]; // each [N*h,T,D]
    const weights = q
      .mul((C / h) ** -0.5)
      .bmm(k.transpose(1, 2)) // [N*h,T,T]
      .view([N / n, n, h, T, T])
      .add(shifts)
      .softmax(-1)
      .view([N * h, T, T]);
    const gathered = weights
      .bmm(v)
      .view([N, h, T, C / h])
      .transpose(1, 2)
      .reshape([N, T, C]);
    return this.proj.forward(gathered);
  }
}

export interface WindowOptions {
  readonly heads: number;
  /** M. */
  readonly window: number;
  /** Rows and columns of the windows' move; 0: none. */
  readonly shift: number;
  /** Rate of leaving out a branch in training. */
  readonly dropPath: number;
  readonly tables: WindowTables;
}

/**
 * x + attention(norm1(x)), then x + mlp(norm2(x)), with an MLP of 4C: keys `norm1`, `attn`, `norm2`,
 * `mlp.fc{1,2}`.
 */
export class SwinBlock extends nn.Module {
  private readonly norm1: nn.LayerNorm;
  private readonly attn: WindowAttention;
  private readonly norm2: nn.LayerNorm;
  private readonly fc1: nn.Linear;
  private readonly fc2: nn.Linear;
  private readonly dropPath: DropPath;
  private readonly shift: number;

  constructor(width: number, windows: WindowOptions) {
    super();
    this.shift = windows.shift;
    this.norm1 = this.child('norm1', new nn.LayerNorm(width));
    this.attn = this.child('attn', new WindowAttention(width, windows.heads, windows.window, windows.tables));
    this.norm2 = this.child('norm2', new nn.LayerNorm(width));
    this.fc1 = this.child('mlp.fc1', swinLinear(width, 4 * width));
    this.fc2 = this.child('mlp.fc2', swinLinear(4 * width, width));
    this.dropPath = this.child('drop_path', new DropPath(windows.dropPath));
    this.ignoreKey('attn_mask');
  }

  /** @param x [B,H*W,C], row by row. @returns the same shape. */
  forward(x: Tensor, sides: Sides): Tensor {
    const attended = x.add(
      this.dropPath.forward(this.attn.forward(this.norm1.forward(x), sides, this.shift)),
    );
    const inner = this.fc1.forwardThen(this.norm2.forward(attended), { activation: 'gelu' }); // [B,H*W,4C]
    return attended.add(this.dropPath.forward(this.fc2.forward(inner)));
  }
}

/** Patches of 4 x 4 pixels: keys `proj`, `norm`. [B,3,S,S] -> [B,(S/4)^2,C]. */
export class PatchEmbed extends nn.Module {
  private readonly proj: nn.Conv2d;
  private readonly norm: nn.LayerNorm;

  constructor(width: number) {
    super();
    this.proj = this.child('proj', new nn.Conv2d(3, width, PATCH, { stride: PATCH }));
    this.norm = this.child('norm', new nn.LayerNorm(width));
  }

  forward(images: Tensor): Tensor {
    return this.norm.forward(this.proj.forward(images).flatten(2).transpose(1, 2).contiguous());
  }
}

/** Side of a patch in pixels. */
export const PATCH = 4;

/**
 * Joins 2 x 2 tokens and halves their channels: keys `norm`, `reduction`. An odd side is padded by zeros
 * first.
 */
export class PatchMerge extends nn.Module {
  private readonly norm: nn.LayerNorm;
  private readonly reduction: nn.Linear;

  constructor(width: number) {
    super();
    this.norm = this.child('norm', new nn.LayerNorm(4 * width));
    this.reduction = this.child('reduction', swinLinear(4 * width, 2 * width, { bias: false }));
  }

  /** [B,H*W,C] -> [B,ceil(H/2)*ceil(W/2),2C]. */
  forward(x: Tensor, [H, W]: Sides): Tensor {
    const [B, , C] = x.shape3();
    const [rows, columns] = halved([H, W]);
    let map = x.view([B, H, W, C]);
    if (2 * rows > H || 2 * columns > W) map = map.pad([0, 0, 0, 2 * columns - W, 0, 2 * rows - H]);
    const joined = map
      .view([B, rows, 2, columns, 2, C])
      .permute([0, 1, 3, 4, 2, 5]) // rows before columns: (0,0), (1,0), (0,1), (1,1)
      .reshape([B, rows * columns, 4 * C]);
    return this.reduction.forward(this.norm.forward(joined));
  }
}

/** The sides of a map after `PatchMerge`. */
export function halved([H, W]: Sides): Sides {
  return [Math.ceil(H / 2), Math.ceil(W / 2)];
}

/** Every other block moves its windows by `shift`. @param dropPath rate of each block. */
export function swinBlocks(
  width: number,
  { dropPath, shift, ...windows }: Omit<WindowOptions, 'dropPath'> & { readonly dropPath: readonly number[] },
): SwinBlock[] {
  return dropPath.map(
    (rate, j) => new SwinBlock(width, { ...windows, shift: j % 2 === 1 ? shift : 0, dropPath: rate }),
  );
}
