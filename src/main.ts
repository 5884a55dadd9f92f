import { createApp } from './bootstrap.js';
import { reportStart } from './start-report.js';

try {
  const server = await createApp();
  server.app.enableShutdownHooks(['SIGTERM', 'SIGINT'], { useProcessExit: true });
  await reportStart(server, await server.listen());
} catch (failure) {
  console.error(failure instanceof Error ? failure.message : failure);
  process.exit(1);
}
