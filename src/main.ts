import { createApp } from './bootstrap.js';
import { closeOnSignals } from './signals.js';
import { reportStart } from './start-report.js';

const early = (signal: string): void => {
  console.error(`${signal} before the start was complete`);
  process.exit(1);
};

try {
  process.once('SIGTERM', early).once('SIGINT', early);
  const server = await createApp();
  const addresses = await server.listen();
  process.off('SIGTERM', early).off('SIGINT', early);
  closeOnSignals(() => server.app.close(), server.drainMs);
  await reportStart(server, addresses);
} catch (failure) {
  console.error(failure instanceof Error ? failure.message : failure);
  process.exit(1);
}
