/**
 * The decoders' thread from outside: one per process, started with the first frame, one frame at a time, ended when it
 * takes too long, breaks, or keeps too much memory, and then started again with the next frame.
 */
import { ReclmisError } from '@reclmis/core';
import type { FrameDecoder } from '../dicom/codec.js';
import { unreadable } from '../dicom/faults.js';
import type { Job, JobAnswer, JobReply } from './jobs.js';
import { frameOf, planOf } from './plan.js';
import { decodeRle } from './rle.js';

/** A thread with listeners; the platform makes it. */
export interface Thread {
  send(number: number, job: Job): void;
  /** While true, the process stays alive. */
  hold(held: boolean): void;
  end(): void;
}

/** @param onEnd called with true if the thread's program did not start */
export type StartThread = (onReply: (reply: JobReply) => void, onEnd: (missing: boolean) => void) => Thread;

export interface QueueOptions {
  /** Multiplies the time allowed for a frame. Default 1. */
  readonly timeScale?: number;
  /** Milliseconds to load the thread and a decoder, of threads that say when they have. Default: part of the frame's. */
  readonly loadTime?: number;
}

/** Milliseconds for any frame, and for each million samples: a frame takes less than a third of it on a slow core. */
const BASE_TIME = 4000;
const TIME_PER_MEGASAMPLE = 700;
/** WebAssembly's memory never shrinks. */
const MAX_KEPT = 512 * 1024 * 1024;

interface Waiting {
  readonly job: Job;
  readonly resolve: (answer: JobAnswer) => void;
}

export class DecoderQueue {
  private thread: Thread | null = null;
  private current: (Waiting & { readonly number: number }) | null = null;
  private readonly waiting: Waiting[] = [];
  private timer: ReturnType<typeof setTimeout> | null = null;
  private number = 0;

  constructor(
    private readonly start: StartThread,
    private readonly options: QueueOptions = {},
  ) {}

  /** Decodes RLE at once, and everything else in the thread. */
  readonly decode: FrameDecoder = async (request) => {
    if (request.compression === 'rle') return decodeRle(request.bytes, request.format);
    const plan = planOf(request);
    const answer = await this.ask({ ...plan.job, bytes: new Uint8Array(plan.job.bytes) }); // a copy: it is sent away
    if ('data' in answer) return frameOf(plan, answer.data, answer.planes, request.format);
    if (answer.refused === 'damaged') throw unreadable(answer.message);
    throw new ReclmisError('IMAGE_UNSUPPORTED', 'the decoder of its compression does not start', {
      remedy: 'Install the packages again; in a browser, state where the decoders’ files are.',
    });
  };

  /** Ends the thread; the next frame starts another. */
  stop(): void {
    this.thread?.end();
    this.thread = null;
  }

  private ask(job: Job): Promise<JobAnswer> {
    return new Promise((resolve) => {
      this.waiting.push({ job, resolve });
      this.next();
    });
  }

  private next(): void {
    if (this.current !== null) return;
    const waiting = this.waiting.shift();
    if (waiting === undefined) {
      this.thread?.hold(false);
      return;
    }
    this.number += 1;
    const { number } = this;
    this.current = { ...waiting, number };
    try {
      this.thread ??= this.started();
      this.thread.hold(true);
      this.thread.send(number, waiting.job);
    } catch (error) {
      this.finish({ refused: 'missing', message: String(error), broken: true });
      return;
    }
    const { loadTime } = this.options;
    if (loadTime === undefined) this.limitDecoding();
    else
      this.limit(loadTime, { refused: 'missing', message: 'a decoder takes too long to load', broken: true });
  }

  private limitDecoding(): void {
    if (this.current === null) return;
    const { width, height, components } = this.current.job;
    const time = BASE_TIME + (TIME_PER_MEGASAMPLE * width * height * components) / 1e6;
    this.limit(time * (this.options.timeScale ?? 1), {
      refused: 'damaged',
      message: 'decoding a compressed frame takes too long',
      broken: true,
    });
  }

  /** From now on; replaces the limit before. */
  private limit(time: number, late: JobAnswer): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = setTimeout(() => this.finish(late), time);
  }

  private started(): Thread {
    const thread: Thread = this.start(
      (reply) => {
        if (this.thread !== thread || this.current?.number !== reply.number) return;
        if ('loaded' in reply) this.limitDecoding();
        else this.finish(reply);
      },
      (missing) => {
        if (this.thread !== thread) return;
        this.thread = null;
        if (this.current !== null)
          this.finish({
            refused: missing ? 'missing' : 'damaged',
            message: 'a compressed frame made its decoder fail',
            broken: true,
          });
      },
    );
    return thread;
  }

  private finish(answer: JobAnswer): void {
    const { current } = this;
    this.current = null;
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    if ('data' in answer ? answer.memory > MAX_KEPT : answer.broken) this.stop();
    current?.resolve(answer);
    this.next();
  }
}
