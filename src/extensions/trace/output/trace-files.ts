import { accessSync, constants, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { Logger } from '@nestjs/common';
import { ConfigurationError } from '../../../config/configuration-error.js';
import type { Trace } from '../recording/trace.js';
import type { TraceSetting } from '../settings/trace-setting.js';
import type { TraceConfig } from '../trace.config.js';
import { TraceFile } from './trace-file.js';
import { TraceSink } from './trace-sink.js';
import { textsOf } from './trace-texts.js';

/** Beyond this, a disk that is too slow loses traces, which is logged, instead of memory. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;

/** The traces that share a file, which is opened with the first of them. */
class FileGroup {
  traces = 0;
  file: TraceFile | undefined;

  constructor(
    readonly name: string,
    readonly isNumbered: boolean,
  ) {}
}

/** Writes traces to the operator's file, or to numbered ones beside it, in the order in which they came. */
export class TraceFiles extends TraceSink {
  private readonly logger = new Logger('Trace');
  private readonly maxBytes: number;
  private readonly waiting: (() => Promise<void>)[] = [];
  private waitingBytes = 0;
  private writtenBytes = 0;
  private readonly main: FileGroup;
  private readonly numbered = new Map<TraceSetting, FileGroup>();
  private readonly open = new Set<FileGroup>();
  private nextNumber = 0;
  private working: Promise<void> | undefined;
  private isFailing = false;

  constructor({ TRACE_FILE, TRACE_MAX_BYTES }: TraceConfig) {
    super();
    this.main = new FileGroup(TRACE_FILE, false);
    this.maxBytes = TRACE_MAX_BYTES;
    if (TRACE_FILE !== '') assertWritable(TRACE_FILE);
  }

  assertReady(): void {
    if (this.main.name === '') throw new Error('trace file name is not given: start the server with TRACE_FILE');
  }

  describe(logFrequency: number) {
    return { log_frequency: [String(logFrequency)], trace_file: [this.main.name], trace_mode: ['triton'] };
  }

  accept(trace: Trace): void {
    const { byteSize, setting } = trace;
    const group = this.groupOf(setting);
    group.traces++;
    if (this.waitingBytes + byteSize > MAX_WAITING_BYTES) {
      this.lost('the disk is too slow for them');
    } else {
      this.waitingBytes += byteSize;
      this.enqueue(async () => {
        this.waitingBytes -= byteSize;
        await this.write(trace, group);
      });
    }
    const { logFrequency } = setting.values;
    if (group.isNumbered && (setting.isFinished || (logFrequency > 0 && group.traces >= logFrequency))) {
      this.closeNumbered(setting);
    }
  }

  release(setting: TraceSetting): void {
    if (setting.isFinished) this.closeNumbered(setting);
  }

  async end(): Promise<void> {
    for (const setting of this.numbered.keys()) this.closeNumbered(setting);
    this.enqueue(() => this.close(this.main));
    await this.working;
  }

  private groupOf(setting: TraceSetting): FileGroup {
    if (!setting.isNumbered) return this.main;
    let group = this.numbered.get(setting);
    if (group === undefined) {
      group = new FileGroup(`${this.main.name}.${this.nextNumber++}`, true);
      this.numbered.set(setting, group);
    }
    return group;
  }

  private closeNumbered(setting: TraceSetting): void {
    const group = this.numbered.get(setting);
    if (group === undefined) return;
    this.numbered.delete(setting);
    this.enqueue(() => this.close(group));
  }

  private enqueue(step: () => Promise<void>): void {
    this.waiting.push(step);
    this.working ??= this.work();
  }

  private async work(): Promise<void> {
    // Not while the call is answered whose trace this is.
    await new Promise((resolve) => setImmediate(resolve));
    for (let step = this.waiting.shift(); step !== undefined; step = this.waiting.shift()) {
      await this.attempt(step);
      if (this.waiting.length === 0) for (const { file } of this.open) await this.attempt(() => file?.flush());
    }
    this.working = undefined;
  }

  /** What cannot be written is lost; the next trace may find room again. */
  private async attempt(step: () => Promise<void> | undefined): Promise<void> {
    try {
      await step();
    } catch (failure) {
      this.lost((failure as Error).message);
    }
  }

  private async write(trace: Trace, group: FileGroup): Promise<void> {
    if (this.writtenBytes >= this.maxBytes) return this.lost('TRACE_MAX_BYTES are written');
    group.file ??= await TraceFile.open(group.name, group.isNumbered, (bytes) => this.wrote(bytes));
    this.open.add(group);
    await group.file.append(textsOf(trace));
  }

  private async close(group: FileGroup): Promise<void> {
    const { file } = group;
    group.file = undefined;
    this.open.delete(group);
    await file?.close();
  }

  private wrote(bytes: number): void {
    this.writtenBytes += bytes;
    this.isFailing = false;
  }

  private lost(reason: string): void {
    if (this.isFailing) return;
    this.isFailing = true;
    this.logger.error({ message: 'traces are lost', reason });
  }
}

/** At the start, not at the first trace. */
function assertWritable(path: string): void {
  try {
    accessSync(dirname(path), constants.W_OK);
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) throw new Error('it is a folder');
  } catch (failure) {
    throw new ConfigurationError([`TRACE_FILE="${path}": ${(failure as Error).message}`]);
  }
}
