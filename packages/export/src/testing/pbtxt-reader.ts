/**
 * Reads protobuf's text format strictly, for the fields of Triton's ModelConfig (model_config.proto of
 * triton-inference-server/common) that exports use. Unknown fields, wrong types and repeated single fields
 * throw.
 */

type Field =
  | { readonly kind: 'string' | 'int' | 'bool'; readonly repeated?: true }
  | { readonly kind: 'enum'; readonly values: readonly string[]; readonly repeated?: true }
  | { readonly kind: 'message'; readonly of: () => Schema; readonly repeated?: true };
type Schema = Readonly<Record<string, Field>>;

const DATA_TYPE: Field = {
  kind: 'enum',
  values: [
    'TYPE_INVALID',
    'TYPE_BOOL',
    'TYPE_UINT8',
    'TYPE_UINT16',
    'TYPE_UINT32',
    'TYPE_UINT64',
    'TYPE_INT8',
    'TYPE_INT16',
    'TYPE_INT32',
    'TYPE_INT64',
    'TYPE_FP16',
    'TYPE_FP32',
    'TYPE_FP64',
    'TYPE_STRING',
    'TYPE_BF16',
  ],
};
const TENSOR: Schema = {
  name: { kind: 'string' },
  data_type: DATA_TYPE,
  dims: { kind: 'int', repeated: true },
};
const WARMUP_INPUT: Schema = {
  data_type: DATA_TYPE,
  dims: { kind: 'int', repeated: true },
  zero_data: { kind: 'bool' },
  random_data: { kind: 'bool' },
  input_data_file: { kind: 'string' },
};
const WARMUP_ENTRY: Schema = {
  key: { kind: 'string' },
  value: { kind: 'message', of: () => WARMUP_INPUT },
};
const MODEL_CONFIG: Schema = {
  name: { kind: 'string' },
  platform: { kind: 'string' },
  backend: { kind: 'string' },
  max_batch_size: { kind: 'int' },
  input: { kind: 'message', of: () => TENSOR, repeated: true },
  output: { kind: 'message', of: () => TENSOR, repeated: true },
  default_model_filename: { kind: 'string' },
  dynamic_batching: {
    kind: 'message',
    of: () => ({
      preferred_batch_size: { kind: 'int', repeated: true },
      max_queue_delay_microseconds: { kind: 'int' },
      preserve_ordering: { kind: 'bool' },
    }),
  },
  model_warmup: {
    kind: 'message',
    of: () => ({
      name: { kind: 'string' },
      batch_size: { kind: 'int' },
      inputs: { kind: 'message', of: () => WARMUP_ENTRY, repeated: true },
      count: { kind: 'int' },
    }),
    repeated: true,
  },
};

/** @throws Error for anything but a ModelConfig */
export function readPbtxt(text: string): Record<string, unknown> {
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|[{}[\]:,]|[A-Za-z_]\w*|-?\d+|#.*|\S/g) ?? [];
  const reader = new Reader(tokens.filter((token) => !token.startsWith('#')));
  const config = reader.message(MODEL_CONFIG, null);
  reader.end();
  return config;
}

class Reader {
  private at = 0;

  constructor(private readonly tokens: readonly string[]) {}

  message(schema: Schema, close: '}' | null): Record<string, unknown> {
    const result: Record<string, unknown> = {};
    while (this.peek() !== close) {
      const name = this.next();
      const field = schema[name];
      if (!field) throw new Error(`unknown field ${name}`);
      if (this.peek() === ':') this.next();
      else if (field.kind !== 'message') throw new Error(`${name}: expected a colon`);
      const values = this.peek() === '[' ? this.list(field, name) : [this.value(field, name)];
      const before = result[name];
      if (field.repeated) result[name] = [...(Array.isArray(before) ? (before as unknown[]) : []), ...values];
      else if (before !== undefined || values.length !== 1) throw new Error(`${name}: is not repeated`);
      else result[name] = values[0];
      if (this.peek() === ',' || this.peek() === ';') this.next();
    }
    if (close !== null) this.next();
    return result;
  }

  end(): void {
    if (this.at < this.tokens.length) throw new Error(`unexpected ${this.tokens[this.at] ?? ''}`);
  }

  private list(field: Field, name: string): unknown[] {
    if (!field.repeated) throw new Error(`${name}: is not repeated`);
    this.next();
    const values: unknown[] = [];
    while (this.peek() !== ']') {
      values.push(this.value(field, name));
      if (this.peek() === ',') this.next();
    }
    this.next();
    return values;
  }

  private value(field: Field, name: string): unknown {
    const token = this.next();
    switch (field.kind) {
      case 'message':
        if (token !== '{') throw new Error(`${name}: expected {`);
        return this.message(field.of(), '}');
      case 'string':
        if (!token.startsWith('"')) throw new Error(`${name}: expected a string, got ${token}`);
        return token.slice(1, -1).replace(/\\(.)/g, '$1');
      case 'int':
        if (!/^-?\d+$/.test(token)) throw new Error(`${name}: expected a number, got ${token}`);
        return Number(token);
      case 'bool':
        if (token !== 'true' && token !== 'false') throw new Error(`${name}: expected true or false`);
        return token === 'true';
      case 'enum':
        if (!field.values.includes(token)) throw new Error(`${name}: unknown value ${token}`);
        return token;
    }
  }

  private peek(): string | null {
    return this.tokens[this.at] ?? null;
  }

  private next(): string {
    const token = this.tokens[this.at++];
    if (token === undefined) throw new Error('unexpected end');
    return token;
  }
}
