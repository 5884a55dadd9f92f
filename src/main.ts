const early = (signal: string): void => {
  console.error(`${signal} before the start was complete`);
  process.exit(1);
};
process.once('SIGTERM', early).once('SIGINT', early);

// Imported only now: a signal may come while they are loaded.
try {
  const { createApp } = await import('./bootstrap.js');
  const { closeOnSignals } = await import('./signals.js');
  const { reportStart } = await import('./start-report.js');
  const server = await createApp();
  const addresses = await server.listen();
  process.off('SIGTERM', early).off('SIGINT', early);
  closeOnSignals(() => server.app.close(), server.drainMs);
  await reportStart(server, addresses);
} catch (failure) {
  console.error(failure instanceof Error ? failure.message : failure);
  process.exit(1);
}
