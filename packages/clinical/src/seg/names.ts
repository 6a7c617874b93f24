/** Names in our SEGs, the same from the command, the server and other programs. */

/** Series Description of SEGs. */
export const SEG_SERIES = 'RecLMIS segmentation';

/** A model's name as Segment Algorithm Name: one line of at most 64 characters without backslash. */
export function algorithmName(model: string): string {
  const name = model.replace(/[\\\p{Cc}]/gu, ' ').trim();
  return [...(name === '' ? 'RecLMIS' : name)].slice(0, 64).join('');
}
