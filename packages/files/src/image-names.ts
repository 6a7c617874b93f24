/** Which files are images by their names. What a file holds is decided by its content alone. */
const PICTURES = ['.png', '.jpg', '.jpeg', '.tif', '.tiff'];
const CLINICAL = ['.dcm', '.dicom', '.nii', '.nii.gz'];

/** Extensions of images in a folder, lower case. */
export const IMAGE_EXTENSIONS: ReadonlySet<string> = new Set([...PICTURES, ...CLINICAL]);

/** `.nii.gz` for `sub/a.NII.GZ`; empty for a name without an image's extension. */
export function imageExtension(name: string): string {
  const [, found = ''] = /(\.nii\.gz|\.[^./\\]+)$/iu.exec(name) ?? [];
  const extension = found.toLowerCase();
  return IMAGE_EXTENSIONS.has(extension) ? extension : '';
}

/** Whether a name is that of a PNG, JPEG or TIFF. */
export function isPictureName(name: string): boolean {
  return PICTURES.includes(imageExtension(name));
}

/** The name or path without an image's extension; any other ending stays, as in `1.2.840.1`. */
export function imageStem(name: string): string {
  return name.slice(0, name.length - imageExtension(name).length);
}
