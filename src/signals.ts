import { Logger } from '@nestjs/common';

/** How long the end may take beyond the drain, in milliseconds: servers to close, models to unload, threads to end. */
const CLOSING_MS = 10_000;

/**
 * Ends the process in peace on SIGTERM and SIGINT, with the code 0. A second signal, or an end that takes too long,
 * kills it: native code that still runs would otherwise take the process down with an error of its own.
 */
export function closeOnSignals(close: () => Promise<void>, drainMs: number): void {
  const logger = new Logger('Server');
  let closing = false;
  const end = (signal: string): void => {
    if (closing) return kill(logger, `a second signal came (${signal})`);
    closing = true;
    logger.log(`${signal}: no longer ready, finishing what runs for up to ${drainMs} ms`);
    setTimeout(() => kill(logger, 'the end took too long'), drainMs + CLOSING_MS).unref();
    close().then(
      () => process.exit(0),
      (failure: unknown) => {
        logger.error(failure);
        process.exit(1);
      },
    );
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, end);
}

function kill(logger: Logger, reason: string): void {
  logger.warn(`killed: ${reason}`);
  process.kill(process.pid, 'SIGKILL');
}
