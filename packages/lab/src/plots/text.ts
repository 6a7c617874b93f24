/** Texts in drawings. */
export { FAINT, INK, svgText, type TextStyle, textWidth, type Weight, wrapText } from '@reclmis/files';

/** With a fixed number of digits; never "-0.0". */
export function fixedText(value: number, digits: number): string {
  const text = value.toFixed(digits);
  return Number(text) === 0 ? text.replace('-', '') : text;
}

/** `12.3 %`; `<0.1 %` for less. */
export function percentText(share: number): string {
  const percent = 100 * share;
  return percent > 0 && percent < 0.1 ? '<0.1 %' : `${percent.toFixed(1)} %`;
}
