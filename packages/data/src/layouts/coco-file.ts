/** A COCO file of annotations, checked: images, categories, and annotations that belong to them. */
import { checkRle, type CocoRegion, oneLine, ReclmisError } from '@reclmis/core';
import { MAX_PIXELS, NotRegularError, readRegular } from '@reclmis/files';
import { noteOfClass } from './case-ids.js';

/** V8 cannot hold longer texts. COCO's own 860,000 training annotations have 450 MB. */
const LIMIT = 500 * 1024 * 1024;

export interface CocoImage {
  readonly id: number | string;
  readonly file: string;
  readonly width: number;
  readonly height: number;
}

export interface CocoAnnotation {
  readonly image: CocoImage;
  readonly category: string;
  /** Empty: it has no area. */
  readonly regions: readonly CocoRegion[];
  readonly crowd: boolean;
}

export interface CocoFile {
  readonly images: readonly CocoImage[];
  readonly categories: readonly string[];
  readonly annotations: readonly CocoAnnotation[];
}

type Fields = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isId = (value: unknown): value is number | string =>
  typeof value === 'number' || typeof value === 'string';

async function readJson(path: string): Promise<Fields> {
  let json: unknown;
  try {
    json = JSON.parse((await readRegular(path, { limit: LIMIT })).toString('utf8'));
  } catch (error) {
    const why = error instanceof SyntaxError ? 'is not JSON' : `cannot be read (${oneLine(error)})`;
    const limit =
      error instanceof NotRegularError ? { remedy: `Give a file of at most ${LIMIT} bytes.` } : {};
    throw new ReclmisError('ANNOTATION_INVALID', `${path}: ${why}`, { cause: error, ...limit });
  }
  if (isObject(json)) return json;
  throw new ReclmisError(
    'ANNOTATION_INVALID',
    `${path}: expected an object with images, annotations and categories`,
  );
}

/** @throws ANNOTATION_INVALID or LABEL_UNKNOWN naming the entry */
export async function readCocoFile(path: string): Promise<CocoFile> {
  const json = await readJson(path);
  const refuse = (
    why: string,
    code: 'ANNOTATION_INVALID' | 'LABEL_UNKNOWN' = 'ANNOTATION_INVALID',
  ): ReclmisError => new ReclmisError(code, `${path}: ${why}`);
  const entries = (key: string): { entry: Fields; where: string }[] => {
    const list = json[key];
    if (!Array.isArray(list)) throw refuse(`expected a list of ${key}`);
    return list.map((entry: unknown, i) => {
      const where = `${key}[${i}]`;
      if (!isObject(entry)) throw refuse(`${where}: expected an object`);
      return { entry, where };
    });
  };
  const byId = <T>(
    key: string,
    read: (entry: Fields, id: number | string, where: string) => T,
  ): Map<unknown, T> => {
    const found = new Map<unknown, T>();
    for (const { entry, where } of entries(key)) {
      const { id } = entry;
      if (!isId(id)) throw refuse(`${where}: expected an id`);
      if (found.has(id)) throw refuse(`${where}: the id ${id} occurs twice`);
      found.set(id, read(entry, id, where));
    }
    return found;
  };
  const images = byId('images', (entry, id, where): CocoImage => {
    const { file_name: file, width, height } = entry;
    if (typeof file !== 'string' || file === '') throw refuse(`${where}: expected a file_name`);
    const isSide = (side: unknown): side is number => Number.isSafeInteger(side) && (side as number) > 0;
    if (!isSide(width) || !isSide(height) || width * height > MAX_PIXELS)
      throw refuse(`${where}: expected a width and height of at most ${MAX_PIXELS} pixels together, got ${String(width)} x ${String(height)}`); // prettier-ignore
    return { id, file, width, height };
  });
  const categories = byId('categories', ({ name }, _, where) => {
    if (typeof name !== 'string' || name.trim() === '') throw refuse(`${where}: expected a name`);
    return name.trim();
  });
  const names = new Map<string, string>();
  for (const name of categories.values()) {
    const key = noteOfClass(name).toLowerCase(); // models read notes so
    const twin = names.get(key) ?? name;
    if (twin !== name)
      throw refuse(`categories: "${name}" differs from "${twin}" only in case, blanks and underscores`);
    names.set(key, name);
  }
  const annotations = entries('annotations').map(({ entry, where }): CocoAnnotation => {
    const image = images.get(entry['image_id']);
    const category = categories.get(entry['category_id']);
    if (image === undefined) throw refuse(`${where}: no image has the id ${String(entry['image_id'])}`);
    if (category === undefined)
      throw refuse(`${where}: no category has the id ${String(entry['category_id'])}`, 'LABEL_UNKNOWN');
    try {
      const regions = regionsOf(entry['segmentation'], image);
      return { image, category, regions, crowd: entry['iscrowd'] === 1 || entry['iscrowd'] === true };
    } catch (error) {
      if (error instanceof ReclmisError) throw refuse(`${where}: ${error.message}`);
      throw error;
    }
  });
  return { images: [...images.values()], categories: [...categories.values()], annotations };
}

/** @throws ANNOTATION_INVALID for another form */
function regionsOf(segmentation: unknown, { width, height }: CocoImage): CocoRegion[] {
  if (segmentation === undefined || segmentation === null) return [];
  if (Array.isArray(segmentation))
    return segmentation.flatMap((points: unknown): CocoRegion[] => {
      const isPoints =
        Array.isArray(points) && points.every((x) => typeof x === 'number' && Number.isFinite(x));
      if (!isPoints || points.length % 2 !== 0)
        throw new ReclmisError('ANNOTATION_INVALID', 'expected polygons as lists of x, y, x, y, ...');
      return points.length < 6 ? [] : [{ kind: 'polygon', points: points as number[] }];
    });
  const { counts, size } = isObject(segmentation) ? segmentation : {};
  const isRuns =
    typeof counts === 'string' || (Array.isArray(counts) && counts.every((run) => typeof run === 'number'));
  if (!isRuns)
    throw new ReclmisError('ANNOTATION_INVALID', 'expected polygons, or run lengths with size and counts');
  if (!Array.isArray(size) || size[0] !== height || size[1] !== width)
    throw new ReclmisError('ANNOTATION_INVALID', `expected run lengths of the image’s size [${height}, ${width}], got ${JSON.stringify(size ?? 'none')}`); // prettier-ignore
  const runs = checkRle(counts, width, height);
  return runs.some((run, i) => i % 2 === 1 && run > 0) ? [{ kind: 'rle', counts }] : [];
}
