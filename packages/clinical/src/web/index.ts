/** DICOMweb: what this folder offers. */
export {
  basicCredentials,
  bearerCredentials,
  noCredentials,
  type Credentials,
  type Secret,
} from './credentials.js';
export { parsePacsUrl, type PacsOptions } from './connection.js';
export { isUid, readFileHead, type FileHead } from './part10.js';
export { Pacs } from './pacs.js';
export type { RetrievedInstance } from './retrieve.js';
export type { Filters, Found, FoundInstance, FoundSeries, FoundStudy } from './search.js';
export type { Stored } from './store.js';
