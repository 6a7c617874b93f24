/** Certificates: one that nobody vouches for is refused with its reason, before credentials are sent. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { bearerCredentials } from './credentials.js';
import { Pacs } from './pacs.js';

const folder = mkdtempSync(join(tmpdir(), 'reclmis-tls-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
const made =
  spawnSync(
    'openssl',
    `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost -keyout ${key} -out ${cert}`.split(
      ' ',
    ),
    { stdio: 'ignore' },
  ).status === 0;

it.skipIf(!made)('refuses a certificate of unknown origin at once (needs openssl)', async () => {
  let asked = 0;
  const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (_, response) => {
    asked += 1;
    response.end('[]');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const options = { retries: 3, retryDelay: 60_000, credentials: bearerCredentials('abc') };
  try {
    // Not tried again: the test would last minutes.
    await expect(new Pacs(`https://localhost:${port}/`, options).studies()).rejects.toMatchObject({
      code: 'PACS_REFUSED',
      message: expect.stringMatching(/: no trusted connection \(DEPTH_ZERO_SELF_SIGNED_CERT\)$/) as string,
      remedy: expect.stringMatching(/NODE_EXTRA_CA_CERTS/) as string,
    });
    expect(asked).toBe(0);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});
