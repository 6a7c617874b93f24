/** Prometheus metrics (prom-client). They name routes, never what was requested. */
import type { ModelManifest } from '@reclmis/core';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Seconds. */
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const SIZES = [1, 2, 4, 8, 16, 32, 64];

export interface Readings {
  readonly queue: () => number;
  readonly inFlight: () => number;
  readonly heldBytes: () => number;
  readonly heldPixels: () => number;
  readonly connections: () => number;
}

export class Metrics {
  readonly registry = new Registry();
  private readonly requests: Counter<'method' | 'route' | 'status'>;
  private readonly latency: Histogram<'route'>;
  private readonly refused: Counter<'code'>;
  private readonly ends: Counter<'reason'>;
  private readonly batchSize: Histogram;
  private readonly batchTime: Histogram;
  private readonly waiting: Histogram;

  constructor(manifest: ModelManifest, device: string, readings: Readings) {
    const registers = [this.registry];
    this.requests = new Counter({
      name: 'reclmis_http_requests_total',
      help: 'Requests answered; status 499: the client disconnected first.',
      labelNames: ['method', 'route', 'status'],
      registers,
    });
    this.latency = new Histogram({
      name: 'reclmis_http_request_duration_seconds',
      help: 'Time from a request’s headers to the end of its response.',
      labelNames: ['route'],
      buckets: SECONDS,
      registers,
    });
    this.refused = new Counter({
      name: 'reclmis_refused_total',
      help: 'Requests that ended with an error, by code.',
      labelNames: ['code'],
      registers,
    });
    this.ends = new Counter({
      name: 'reclmis_connections_ended_total',
      help: 'Connections closed by the server: idle ones in favour of new ones, too many, floods of requests, responses not read.',
      labelNames: ['reason'],
      registers,
    });
    this.batchSize = new Histogram({
      name: 'reclmis_batch_size',
      help: 'Cases computed at once.',
      buckets: SIZES,
      registers,
    });
    this.batchTime = new Histogram({
      name: 'reclmis_batch_duration_seconds',
      help: 'Time the model took for a batch.',
      buckets: SECONDS,
      registers,
    });
    this.waiting = new Histogram({
      name: 'reclmis_queue_duration_seconds',
      help: 'Time a request waited for the model.',
      buckets: SECONDS,
      registers,
    });
    const gauge = (name: string, help: string, read: () => number): void => {
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(read());
        },
      });
    };
    gauge('reclmis_queue_length', 'Requests waiting for the model.', readings.queue);
    gauge('reclmis_requests_in_flight', 'Requests not yet answered.', readings.inFlight);
    gauge('reclmis_connections', 'Open connections.', readings.connections);
    gauge('reclmis_held_bytes', 'Bytes of request bodies and responses in memory.', readings.heldBytes);
    gauge('reclmis_held_pixels', 'Pixels of decoded images in memory.', readings.heldPixels);
    gauge('process_resident_memory_bytes', 'Resident memory.', () => process.memoryUsage.rss());
    gauge(
      'process_start_time_seconds',
      'Start time of the process since the Unix epoch.',
      () => Date.now() / 1000 - process.uptime(),
    );
    gauge('nodejs_heap_used_bytes', 'JavaScript heap in use.', () => process.memoryUsage().heapUsed);
    new Counter({
      name: 'process_cpu_seconds_total',
      help: 'CPU time, user and system.',
      registers,
      collect() {
        const { user, system } = process.cpuUsage();
        this.reset();
        this.inc((user + system) / 1e6);
      },
    });
    new Gauge({
      name: 'reclmis_model_info',
      help: 'The served model.',
      labelNames: ['name', 'precision', 'device', 'version'],
      registers,
    }).set(
      { name: manifest.name, precision: manifest.precision, device, version: manifest.versions.reclmis },
      1,
    );
  }

  answered(method: string, route: string, status: number, seconds: number): void {
    this.requests.inc({ method, route, status: String(status) });
    this.latency.observe({ route }, seconds);
  }

  refusal(code: string): void {
    this.refused.inc({ code });
  }

  connectionEnded(reason: string): void {
    this.ends.inc({ reason });
  }

  batch(units: number, milliseconds: number): void {
    this.batchSize.observe(units);
    this.batchTime.observe(milliseconds / 1000);
  }

  waited(milliseconds: number): void {
    this.waiting.observe(milliseconds / 1000);
  }
}
