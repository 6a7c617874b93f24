/** A runtime's warning as the page words it: the design's copy where it has some, else the runtime's own line. */
import type { Warning } from '@reclmis/core';
import { say } from '../strings.js';

export function warningText({ code, message }: Warning): string {
  if (code === 'MASK_EMPTY') return say('emptyMask');
  if (code === 'IMAGE_UNUSUAL') return say('unlike');
  const sentence = message.charAt(0).toUpperCase() + message.slice(1);
  return /[.?!]$/.test(sentence) ? sentence : `${sentence}.`;
}

/** Why there is no model. */
export function modelFailureText(code: string, message: string): string {
  if (code === 'MODEL_MISSING') return say('missingModel');
  if (code === 'MODEL_INVALID') return say('badModel');
  return say('otherModel', { message });
}

/** A failure, as the page words it. @param file name of the file that was read */
export function failureText(code: string, message: string, file: string | null): string {
  if (file !== null && (code === 'IMAGE_UNSUPPORTED' || code === 'IMAGE_UNREADABLE'))
    return say('badFile', { file });
  return say('failed', { message });
}
