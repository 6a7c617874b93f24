/** How the OpenAPI document describes segmenting a series of a PACS. */
import { CONVENTIONS, NOTE_STYLES } from '@reclmis/core';
import type { FastifySchema } from 'fastify';
import { choice, failures, text, WARNINGS_LIST, WORK_FAILURES } from './openapi-parts.js';
import { WARNINGS_HEADERS } from './warnings.js';

const uid = (description: string): object => ({ type: 'string', maxLength: 64, description });
const whole = { type: 'integer' };

export const SERIES_SCHEMA: FastifySchema = {
  operationId: 'segmentSeries',
  summary: 'Segment a series of the PACS, and store a DICOM SEG there',
  description:
    'Fetches the series, segments each image by the note, and stores the masks as DICOM SEG in the same study. Not for diagnosis.',
  tags: ['segment'],
  consumes: ['application/json'],
  params: {
    type: 'object',
    properties: { study: uid('Study Instance UID'), series: uid('Series Instance UID') },
  },
  body: {
    type: 'object',
    required: ['note'],
    properties: {
      note: { type: 'string', description: 'what to segment; not needed if the model reads no notes' },
      threshold: {
        type: 'number',
        description: 'probability from which a pixel belongs to the mask, 0 to 1; default: the model’s',
      },
      sides: choice(CONVENTIONS, 'whose left and right the note means; default: as for /segment'),
      noteStyle: choice(NOTE_STYLES, 'as for /segment'),
      label: {
        type: 'string',
        maxLength: 64,
        description: 'what viewers call the segment; default: Described region',
      },
      description: {
        type: 'boolean',
        description:
          'also write the note into the SEG, where everyone with access to the study reads it; default: false',
      },
      report: {
        type: 'boolean',
        description:
          'also store a report of areas and diameters (DICOM SR, TID 1500), which needs a pixel size in the files; default: false',
      },
    },
  },
  response: {
    200: {
      description: 'the masks are stored',
      headers: WARNINGS_HEADERS,
      content: {
        'application/json': {
          schema: {
            type: 'object',
            properties: {
              model: text,
              study: text,
              series: text,
              segmentations: {
                type: 'array',
                description:
                  'the SEGs that were stored: one, unless images differ in size or frame of reference',
                items: {
                  type: 'object',
                  properties: { study: text, series: text, instance: text, frames: whole },
                },
              },
              reports: {
                type: 'array',
                description: 'the reports that were stored, one for each SEG; absent unless asked for',
                items: { type: 'object', properties: { study: text, series: text, instance: text } },
              },
              images: { type: 'integer', description: 'images that were segmented' },
              pixels: { type: 'integer', description: 'pixels of all masks' },
              frames: {
                type: 'array',
                description: 'by image',
                items: {
                  type: 'object',
                  properties: {
                    instance: text,
                    frame: { type: 'integer', description: 'from 0, in its instance' },
                    width: { type: 'integer', description: 'as displayed' },
                    height: whole,
                    pixels: whole,
                    share: { type: 'number', description: 'fraction of the image, 0 to 1' },
                    componentCount: whole,
                    areaMm2: { type: 'number', description: 'absent if the file states no pixel size' },
                    spacingAt: {
                      ...choice(
                        ['patient', 'detector'],
                        'detector: a projection’s sizes, larger than in the patient',
                      ),
                    },
                  },
                },
              },
              warnings: WARNINGS_LIST,
            },
          },
        },
      },
    },
    ...WORK_FAILURES,
    ...failures('REQUEST_INVALID', 'NOTE_MISSING'),
    ...failures('PACS_MISSING'),
    ...failures('REQUEST_TOO_LARGE', 'IMAGE_TOO_LARGE', 'NOTE_TOO_LONG'),
    ...failures('REQUEST_UNSUPPORTED', 'IMAGE_UNSUPPORTED'),
    ...failures('IMAGE_UNREADABLE', 'NOTE_INVALID', 'NOTE_EMPTY'),
    ...failures('PACS_REFUSED', 'PACS_FAILED', 'PACS_INVALID', 'PACS_UNREACHABLE'),
  },
};
