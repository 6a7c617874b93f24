/** What exported files are called. */

/** A name for files: without the ending of an image, and without what file systems refuse. */
export function stemOf(name: string): string {
  const base = name.replace(/^.*[/\\]/u, '').replace(/(?:\.nii\.gz|\.(?:png|jpe?g|tiff?|dcm|dicom|nii))$/iu, '');
  const safe = base
    .normalize('NFC')
    .replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cs}<>:"|?*\\/]/gu, '_')
    .replace(/^[.\s]+|[.\s]+$/gu, '')
    .slice(0, 100);
  return safe === '' ? 'image' : safe;
}
