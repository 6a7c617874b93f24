/**
 * KServe's v2 protocol, the Open Inference Protocol (github.com/kserve/open-inference-protocol), with
 * Triton's binary tensors. An inference body is JSON, or JSON of `Inference-Header-Content-Length` bytes and
 * binary tensors; any Content-Type is accepted, as by Triton, unless a web page could send it unasked.
 */
import { type AskedNote, defined, habitsOf, noteForModel, ReclmisError } from '@reclmis/core';
import type { FastifyInstance, FastifyReply, FastifyRequest, FastifySchema } from 'fastify';
import { compute, deadlineOf, type ServerContext } from '../admission/context.js';
import { checkNote, parseNoteStyle, parseSides } from '../routes/note.js';
import { V2_SCHEMAS } from '../routes/openapi.js';
import { asArray, asObject, asString, type JsonObject, optional, own, parseObject } from '../json.js';
import {
  checkOutput,
  checkPlanes,
  checkTokens,
  metadataOf,
  type ServedModel,
  servedModels,
  TEXT,
  VERSION,
  vocabularySize,
} from './models.js';
import { BinaryReader, isType, readTensor, type Tensor, wantsBinary } from './tensors.js';
import { parametersOf, setWarnings, tensorWarnings } from '../routes/warnings.js';
import type { Work } from '../admission/work.js';

const HEADER_LENGTH = 'inference-header-content-length';
/** Sent by browsers for any page without a preflight. */
const UNASKED = /^\s*(text\/plain|application\/x-www-form-urlencoded|multipart\/form-data)\s*(;|,|$)/i;
/** Values outside tensors. */
const MORE_VALUES = 10_000;
const LONGEST_ID = 256;

interface ModelParams {
  readonly name: string;
  readonly version?: string;
}

export function registerV2(app: FastifyInstance, context: ServerContext): void {
  const { model, limits, version } = context;
  const models = servedModels(model.manifest);
  const known = vocabularySize(model.manifest);
  const habits = habitsOf(model.manifest);

  const find = ({ name, version: wanted = VERSION }: ModelParams): ServedModel => {
    const found = models.find((one) => one.name === name);
    if (found && wanted === VERSION) return found;
    const names = models.map((one) => one.name).join(', ');
    throw new ReclmisError(
      'ROUTE_UNKNOWN',
      `expected one of the models ${names} in version ${VERSION}, got another`,
    );
  };

  /** Our own parameters. @throws REQUEST_INVALID */
  const askedBy = (head: JsonObject): AskedNote => {
    const given = own(head, 'parameters') ?? undefined;
    const parameters = given === undefined ? {} : asObject(given, 'parameters');
    const of = (name: string): unknown => own(parameters, name) ?? undefined;
    return {
      sides: parseSides(of('sides'), 'parameters.sides') ?? context.sides,
      style: parseNoteStyle(of('noteStyle'), 'parameters.noteStyle', habits) ?? context.noteStyle,
    };
  };

  const workOf = (served: ServedModel, tensors: ReadonlyMap<string, Tensor>, asked: AskedNote): Work => {
    const [first, second] = served.inputs.map(({ name }) => tensors.get(name));
    const text = tensors.get(TEXT.name);
    if (served.role === 'text' && text && isType(text, 'BYTES')) {
      for (const note of text.data) checkNote(note, limits.maxNote);
      const notes = text.data.map((note) => noteForModel(note, habits, asked));
      return { kind: 'texts', notes, count: text.count };
    }
    if (first && isType(first, 'INT64')) {
      checkTokens(first.data, known, first.spec.name);
      return { kind: 'tokens', tokens: first.data, count: first.count };
    }
    if (first && isType(first, 'FP32')) {
      checkPlanes(first.data, first.spec.name);
      const notes = second && isType(second, 'FP32') ? second.data : null;
      if (second && second.count !== first.count)
        throw new ReclmisError(
          'REQUEST_INVALID',
          `expected as many notes as images, got ${second.count} and ${first.count}`,
        );
      return { kind: 'tensors', images: first.data, notes, count: first.count };
    }
    throw new ReclmisError('REQUEST_INVALID', `the model ${served.name} lacks its inputs`);
  };

  async function infer(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const served = find(request.params as ModelParams);
    if (UNASKED.test(request.headers['content-type'] ?? ''))
      throw new ReclmisError(
        'REQUEST_UNSUPPORTED',
        'Content-Type: expected application/json or application/octet-stream, got text or a form',
        {
          remedy: 'Send the header Content-Type: application/json (curl: -H); JSON cannot be sent as a form.',
        },
      );
    const body = request.body as Buffer | undefined;
    if (!body || body.length === 0) throw new ReclmisError('REQUEST_INVALID', 'the request has no body');
    const { json, binary } = cut(body, request.headers[HEADER_LENGTH]);
    const head = parseObject(json, valuesOf(served, limits.maxBatch) + MORE_VALUES);
    const id = idOf(head);
    const asBinary = wantsBinary(head, served.output.name);
    const work = workOf(served, readInputs(head, served, binary, limits.maxBatch), askedBy(head));
    using deadline = deadlineOf(reply, limits.timeout);
    const cost = work.kind === 'tensors' ? work.images.length / 3 : 0;
    const release = context.pixels.take(Math.min(cost, context.pixels.capacity)); // tensors have their own limit
    try {
      const { value } = await compute(context, work, cost, deadline.signal, { place: request.place });
      if (!(value instanceof Float32Array))
        throw new ReclmisError('INTERNAL', 'expected a tensor from the queue');
      checkOutput(value, served);
      const cases = work.kind === 'segment' ? 1 : work.count;
      const shape = [cases, ...served.output.shape.slice(1)];
      const warnings = tensorWarnings(model, work, value);
      setWarnings(reply, warnings);
      const answer = {
        model_name: served.name,
        model_version: VERSION,
        ...defined({ id }),
        ...parametersOf(warnings),
      };
      const output = { name: served.output.name, datatype: served.output.datatype, shape };
      if (!asBinary) return { ...answer, outputs: [{ ...output, data: Array.from(value) }] };
      const data = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
      const parameters = { binary_data_size: data.length };
      const text = Buffer.from(JSON.stringify({ ...answer, outputs: [{ ...output, parameters }] }));
      return await reply
        .header('Inference-Header-Content-Length', String(text.length))
        .type('application/octet-stream')
        .send(Buffer.concat([text, data]));
    } finally {
      release();
    }
  }

  const open = { open: true };
  app.get('/v2', { schema: V2_SCHEMAS.server }, () => ({
    name: 'reclmis',
    version,
    extensions: ['binary_tensor_data'],
  }));
  app.get('/v2/health/live', { schema: V2_SCHEMAS.live, config: open }, () => ({ live: true }));
  app.get('/v2/health/ready', { schema: V2_SCHEMAS.ready, config: open }, async (_, reply) => {
    const ready = context.accepting();
    return reply.code(ready ? 200 : 503).send({ ready });
  });
  for (const path of ['/v2/models/:name', '/v2/models/:name/versions/:version']) {
    const versioned = path.endsWith('version');
    const named = versioned ? V2_SCHEMAS.version : V2_SCHEMAS.name;
    const schemaOf = (schema: FastifySchema): FastifySchema => ({
      ...schema,
      ...named,
      operationId: `${schema.operationId ?? ''}${versioned ? 'OfVersion' : ''}`,
    });
    app.get(path, { schema: schemaOf(V2_SCHEMAS.metadata) }, (request) =>
      metadataOf(find(request.params as ModelParams), model.manifest),
    );
    app.get(`${path}/ready`, { schema: schemaOf(V2_SCHEMAS.modelReady) }, async (request, reply) => {
      const { name } = find(request.params as ModelParams);
      const ready = context.accepting();
      return reply.code(ready ? 200 : 503).send({ name, ready });
    });
    app.post(`${path}/infer`, { schema: schemaOf(V2_SCHEMAS.infer), config: { work: true } }, infer);
  }
}

function cut(
  body: Buffer,
  header: string | string[] | undefined,
): { json: Uint8Array; binary: BinaryReader } {
  if (header === undefined) return { json: body, binary: new BinaryReader(new Uint8Array(0)) };
  const length = typeof header === 'string' && /^\d{1,10}$/.test(header) ? Number(header) : Number.NaN;
  if (!(length > 0 && length <= body.length)) {
    throw new ReclmisError(
      'REQUEST_INVALID',
      `Inference-Header-Content-Length: expected 1 to ${body.length}, got another value`,
    );
  }
  return { json: body.subarray(0, length), binary: new BinaryReader(body.subarray(length)) };
}

function valuesOf({ inputs }: ServedModel, maxBatch: number): number {
  return inputs.reduce((sum, { shape }) => sum + maxBatch * shape.slice(1).reduce((a, b) => a * b, 1), 0);
}

function idOf(head: JsonObject): string | undefined {
  const value = optional(head, 'id');
  if (value === undefined) return undefined;
  const id = asString(value, 'id');
  if (id.length > LONGEST_ID)
    throw new ReclmisError(
      'REQUEST_INVALID',
      `id: expected at most ${LONGEST_ID} characters, got ${id.length}`,
    );
  return id;
}

/** Each once; `text` may replace tokens. */
function readInputs(
  head: JsonObject,
  served: ServedModel,
  binary: BinaryReader,
  maxBatch: number,
): Map<string, Tensor> {
  const specs = served.role === 'text' ? [...served.inputs, TEXT] : served.inputs;
  const inputs = asArray(own(head, 'inputs'), 'inputs');
  if (inputs.length !== served.inputs.length)
    throw new ReclmisError(
      'REQUEST_INVALID',
      `inputs: expected ${served.inputs.length}, got ${inputs.length}`,
    );
  const tensors = new Map<string, Tensor>();
  for (const entry of inputs) {
    const json = asObject(entry, 'inputs');
    const name = asString(own(json, 'name'), 'inputs.name');
    const spec = specs.find((one) => one.name === name);
    if (!spec || tensors.has(name)) {
      const names = specs.map((one) => one.name).join(', ');
      throw new ReclmisError('REQUEST_INVALID', `inputs: expected ${names}, each once, got another name`);
    }
    tensors.set(name, readTensor(json, spec, binary, maxBatch));
  }
  binary.finish();
  return tensors;
}
