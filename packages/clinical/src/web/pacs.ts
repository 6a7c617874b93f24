/**
 * A PACS over DICOMweb (PS3.18), in Node and in browsers:
 *
 * ```ts
 * const pacs = new Pacs('https://pacs.example/dicom-web', { credentials: bearerCredentials(token) });
 * const { found } = await pacs.series(null, { PatientID: '4711', Modality: 'CR' });
 * for await (const { bytes } of pacs.retrieveSeries(found[0].study, found[0].series)) use(bytes);
 * ```
 */
import { PacsConnection, type PacsOptions } from './connection.js';
import { retrieveInstance, type RetrievedInstance, retrieveSeries } from './retrieve.js';
import {
  type Filters,
  findInstances,
  findSeries,
  findStudies,
  type Found,
  type FoundInstance,
  type FoundSeries,
  type FoundStudy,
} from './search.js';
import { storeFiles, type Stored } from './store.js';

/** Most results of a search, by default. */
const LIMIT = 1_000;

/** All methods throw PACS_* (docs/reference/errors.md), IMAGE_TOO_LARGE, OPTION_INVALID, and INTERRUPTED when stopped by the signal. */
export class Pacs {
  private readonly connection: PacsConnection;

  /** Connects when first used. @param url the DICOMweb root. @throws OPTION_INVALID */
  constructor(url: string, options: PacsOptions = {}) {
    this.connection = new PacsConnection(url, options);
  }

  /** The address, for messages. */
  get where(): string {
    return this.connection.where;
  }

  /** The same PACS under another signal, and perhaps tighter limits. */
  during(signal: AbortSignal, limits: Pick<PacsOptions, 'instanceBytes' | 'seriesBytes'> = {}): Pacs {
    return new Pacs(this.connection.where, { ...this.connection.options, ...limits, signal });
  }

  studies(filters: Filters = {}, limit = LIMIT): Promise<Found<FoundStudy>> {
    return findStudies(this.connection, filters, limit);
  }

  /** The series of a study, or, with null, of all studies. */
  series(study: string | null, filters: Filters = {}, limit = LIMIT): Promise<Found<FoundSeries>> {
    return findSeries(this.connection, study, filters, limit);
  }

  instances(study: string, series: string, limit = LIMIT): Promise<Found<FoundInstance>> {
    return findInstances(this.connection, study, series, limit);
  }

  /** One instance as the PACS stores it. */
  retrieveInstance(study: string, series: string, instance: string): Promise<RetrievedInstance> {
    return retrieveInstance(this.connection, study, series, instance);
  }

  /** All instances of a series as the PACS stores them, in any order, each once. @param onFound told which there are */
  retrieveSeries(
    study: string,
    series: string,
    onFound?: (instances: readonly FoundInstance[]) => void,
  ): AsyncGenerator<RetrievedInstance> {
    return retrieveSeries(this.connection, study, series, onFound);
  }

  /** Stores whole DICOM files. @throws PACS_FAILED unless the PACS confirms each: how many are stored */
  store(
    files: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    onStored?: (count: number) => void,
  ): Promise<Stored> {
    return storeFiles(this.connection, files, onStored);
  }
}
