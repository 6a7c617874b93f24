/** The OpenAPI document, for people and generators; the routes validate, not these schemas. */
import swagger from '@fastify/swagger';
import { CONVENTIONS, NOTE_STYLES, STATED_SIDES } from '@reclmis/core';
import type { FastifyInstance, FastifySchema } from 'fastify';
import type { Limits } from '../admission/limits.js';
import { CONFIDENCE } from './openapi-confidence.js';
import {
  ACCESS_FAILURES,
  choice,
  failures,
  json,
  type JsonSchema,
  milliseconds,
  number,
  text,
  WARNINGS_LIST,
  WORK_FAILURES,
} from './openapi-parts.js';
import { WARNINGS_HEADERS } from './warnings.js';

export const SEGMENT_SCHEMA: FastifySchema = {
  operationId: 'segment',
  summary: 'Segment an image guided by its note',
  description:
    'The mask has the image’s size: 255 where the model finds what the note describes, else 0. Not for diagnosis.',
  tags: ['segment'],
  consumes: ['multipart/form-data'],
  querystring: {
    type: 'object',
    properties: {
      mask: {
        type: 'string',
        enum: ['0', '1'],
        description: '1: also include the mask in the JSON, as a base64-encoded PNG',
      },
    },
  },
  body: {
    type: 'object',
    required: ['image', 'note'],
    properties: {
      image: { type: 'string', format: 'binary', description: 'PNG, JPEG, TIFF, DICOM or NIfTI' },
      note: { type: 'string', description: 'what to segment; not needed if the model reads no notes' },
      frame: {
        type: 'string',
        description:
          'which frame of a DICOM object or slice of a NIfTI volume, from 0; not needed if there is one',
      },
      window: {
        type: 'string',
        description:
          'grey level window of a DICOM file or NIfTI volume: CENTER/WIDTH in its units, such as -600/1500, or the number (from 0) or explanation of a window in the DICOM file; default: the model’s, else the file’s first',
      },
      threshold: {
        type: 'string',
        description: 'probability from which a pixel belongs to the mask, 0 to 1; default: the model’s',
      },
      sides: choice(
        CONVENTIONS,
        'whose left and right the note means: the patient’s (left is on the image’s right) or the image’s; default: the server’s setting, else as the model has learnt',
      ),
      noteStyle: choice(
        NOTE_STYLES,
        'free: free text is put into the model’s words if it is fully understood; as-is: the model gets it as written; default: the server’s setting, else free if the model’s training notes are in a grammar that is known',
      ),
    },
  },
  response: {
    200: {
      description:
        'the mask on the image’s pixels as stored, in the type that Accept names: a DICOM SEG (application/dicom) of DICOM images, NIfTI (.nii.gz) and NRRD (.seg.nrrd) of DICOM and NIfTI, outlines in pixels as GeoJSON, figures as JSON',
      headers: WARNINGS_HEADERS,
      content: {
        'image/png': { schema: { type: 'string', format: 'binary' } },
        'application/dicom': { schema: { type: 'string', format: 'binary' } },
        'application/x-nifti': { schema: { type: 'string', format: 'binary' } },
        'application/x-nrrd': { schema: { type: 'string', format: 'binary' } },
        'application/geo+json': { schema: { type: 'object' } },
        'application/json': {
          schema: {
            type: 'object',
            properties: {
              model: { type: 'string' },
              width: { type: 'integer' },
              height: { type: 'integer' },
              threshold: number,
              note: {
                type: 'object',
                description: 'how the note was read; absent if the model reads none',
                properties: {
                  sides: choice(STATED_SIDES, 'whose left and right it means'),
                  mirrored: {
                    type: 'boolean',
                    description: 'whether the model read it with left and right swapped',
                  },
                  style: choice(NOTE_STYLES, 'free: it was put into the model’s words'),
                  sent: { type: 'string', description: 'the text that the model was given' },
                },
              },
              pixels: { type: 'integer', description: 'pixels of the mask' },
              share: { type: 'number', description: 'fraction of the image, 0 to 1' },
              spacing: {
                type: 'array',
                items: number,
                description: 'width and height of a pixel in mm, where a DICOM or NIfTI file states it',
              },
              spacingAt: choice(['patient', 'detector'], 'where the spacing was measured'),
              areaMm2: { type: 'number', description: 'area of the mask, where the spacing is known' },
              componentCount: { type: 'integer' },
              components: {
                type: 'array',
                description: 'largest first, at most 100',
                items: {
                  type: 'object',
                  properties: {
                    pixels: { type: 'integer' },
                    centroid: { type: 'array', items: number, description: 'x, y' },
                    box: { type: 'array', items: number, description: 'x, y, width, height' },
                  },
                },
              },
              confidence: CONFIDENCE,
              warnings: WARNINGS_LIST,
              timings: {
                type: 'object',
                properties: {
                  queue: milliseconds,
                  preprocess: milliseconds,
                  text: milliseconds,
                  segment: milliseconds,
                  postprocess: milliseconds,
                  total: milliseconds,
                  batch: { type: 'integer', description: 'cases computed together' },
                },
              },
              mask: { type: 'string', format: 'byte', description: 'PNG, with ?mask=1' },
            },
          },
        },
      },
    },
    ...WORK_FAILURES,
    ...failures('REQUEST_INVALID', 'IMAGE_MISSING', 'NOTE_MISSING'),
    ...failures('REQUEST_TOO_LARGE', 'IMAGE_TOO_LARGE', 'NOTE_TOO_LONG'),
    ...failures('REQUEST_UNSUPPORTED', 'IMAGE_UNSUPPORTED'),
    ...failures('ACCEPT_UNSUPPORTED'),
    ...failures('IMAGE_UNREADABLE', 'NOTE_INVALID', 'NOTE_EMPTY'),
  },
};

const shape = { type: 'array', items: { type: 'integer' } };
const parameters = { type: 'object', additionalProperties: true };
/** Optional; null counts as absent. */
const absent = (schema: JsonSchema): JsonSchema => ({ ...schema, nullable: true });
const tensor = { type: 'object', properties: { name: text, datatype: text, shape } };
const name = { type: 'object', properties: { name: text } };
const version = { type: 'object', properties: { name: text, version: { type: 'string', enum: ['1'] } } };
const tags = ['open inference protocol'];
const unknown = { ...failures('ROUTE_UNKNOWN'), ...ACCESS_FAILURES };

type V2Route = 'name' | 'version' | 'server' | 'live' | 'ready' | 'metadata' | 'modelReady' | 'infer';

export const V2_SCHEMAS: Readonly<Record<V2Route, FastifySchema>> = {
  name: { params: name },
  version: { params: version },
  server: {
    operationId: 'serverMetadata',
    summary: 'Name, version and extensions of the server',
    tags,
    response: {
      200: json('the server', { name: text, version: text, extensions: { type: 'array', items: text } }),
      ...ACCESS_FAILURES,
    },
  },
  live: {
    operationId: 'serverLive',
    summary: 'Whether the server is alive',
    tags,
    security: [],
    response: {
      200: json('it does', { live: { type: 'boolean' } }),
      ...failures('HOST_REFUSED', 'ORIGIN_REFUSED'),
    },
  },
  ready: {
    operationId: 'serverReady',
    summary: 'Whether the server accepts work; 503 while it shuts down',
    tags,
    security: [],
    response: {
      200: json('it does', { ready: { type: 'boolean' } }),
      503: json('it does not', { ready: { type: 'boolean' } }),
      ...failures('HOST_REFUSED', 'ORIGIN_REFUSED'),
    },
  },
  metadata: {
    operationId: 'modelMetadata',
    summary: 'Tensors of a model',
    tags,
    response: {
      200: json('the model', {
        name: text,
        versions: { type: 'array', items: text },
        platform: text,
        inputs: { type: 'array', items: tensor },
        outputs: { type: 'array', items: tensor },
        parameters,
      }),
      ...unknown,
    },
  },
  modelReady: {
    operationId: 'modelReady',
    summary: 'Whether a model takes work',
    tags,
    response: { 200: json('it does', { name: text, ready: { type: 'boolean' } }), ...unknown },
  },
  infer: {
    operationId: 'modelInfer',
    summary: 'Run a model on tensors',
    description:
      'JSON, or JSON of Inference-Header-Content-Length bytes followed by binary tensors. segmenter: from image and note to probability. ' +
      'text-encoder: from tokens, or text as BYTES, to note; its parameter sides states whose left and right the text means, noteStyle (free or as-is) whether free text is put into the model’s words.',
    tags,
    consumes: ['application/json', 'application/octet-stream'],
    body: {
      type: 'object',
      required: ['inputs'],
      properties: {
        id: absent(text),
        parameters: absent(parameters),
        inputs: {
          type: 'array',
          items: {
            type: 'object',
            required: ['name', 'datatype', 'shape'],
            properties: {
              name: text,
              datatype: { type: 'string', enum: ['FP32', 'INT64', 'BYTES'] },
              shape,
              parameters: absent(parameters),
              data: absent({ type: 'array', items: {} }),
            },
          },
        },
        outputs: {
          type: 'array',
          nullable: true,
          items: {
            type: 'object',
            required: ['name'],
            properties: { name: text, parameters: absent(parameters) },
          },
        },
      },
    },
    response: {
      200: {
        description:
          'the outputs; appended in binary after the JSON if binary_data or binary_data_output requests it',
        headers: WARNINGS_HEADERS,
        content: {
          'application/json': {
            schema: {
              type: 'object',
              properties: {
                model_name: text,
                model_version: text,
                id: text,
                parameters: {
                  ...parameters,
                  description: 'warnings: codes; warning_messages: one line each, with its case',
                },
                outputs: {
                  type: 'array',
                  items: {
                    type: 'object',
                    properties: {
                      name: text,
                      datatype: text,
                      shape,
                      parameters,
                      data: { type: 'array', items: number },
                    },
                  },
                },
              },
            },
          },
          'application/octet-stream': { schema: { type: 'string', format: 'binary' } },
        },
      },
      ...WORK_FAILURES,
      ...unknown,
    },
  },
};

export const PLAIN_SCHEMAS: Readonly<Record<'metrics' | 'document' | 'page', FastifySchema>> = {
  metrics: {
    operationId: 'metrics',
    summary: 'Metrics for Prometheus',
    tags: ['server'],
    response: {
      200: { description: 'text format 0.0.4', content: { 'text/plain': { schema: text } } },
      ...ACCESS_FAILURES,
    },
  },
  document: {
    operationId: 'openapi',
    summary: 'This document',
    tags: ['server'],
    response: { 200: json('OpenAPI 3', {}), ...ACCESS_FAILURES },
  },
  page: {
    operationId: 'docs',
    summary: 'This document for reading, with a form to try it',
    tags: ['server'],
    response: {
      200: { description: 'a page', content: { 'text/html': { schema: text } } },
      ...ACCESS_FAILURES,
    },
  },
};

/** Sees only routes registered after it. */
export async function registerOpenApi(
  app: FastifyInstance,
  about: { name: string; version: string; limits: Limits; token: boolean },
): Promise<void> {
  const { maxBytes, maxPixels, maxNote, maxBatch } = about.limits;
  await app.register(swagger, {
    openapi: {
      openapi: '3.0.3',
      info: {
        title: `RecLMIS: ${about.name}`,
        version: about.version,
        description:
          `Language-guided segmentation of medical images. Limits per request: ${maxBytes} bytes, ${maxPixels} pixels, ` +
          `notes of ${maxNote} characters, ${maxBatch} cases. Research software: not for diagnosis.`,
        license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
      },
      servers: [{ url: '/', description: 'this server' }],
      tags: [
        { name: 'segment', description: 'For people: send an image and a note, get a mask.' },
        { name: 'open inference protocol', description: 'For machines: KServe v2 with tensors.' },
        { name: 'server', description: 'Metrics and this description.' },
      ],
      ...(about.token
        ? {
            components: { securitySchemes: { token: { type: 'http' as const, scheme: 'bearer' } } },
            security: [{ token: [] }],
          }
        : { security: [] }),
    },
  });
}
