/** A field of CSV (RFC 4180); empty for what is undefined. */
export const csvField = (value: string | number | null | undefined): string =>
  typeof value === 'string' && /[",\r\n]/.test(value)
    ? `"${value.replaceAll('"', '""')}"`
    : String(value ?? '');
