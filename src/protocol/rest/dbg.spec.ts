import { it, vi, afterAll } from 'vitest';
import { Controller, Get, Logger, Res } from '@nestjs/common';
import { exchange, startRest } from '/work/main/test/support/rest-app.js';
import { Call, CallContext } from '../call/call-context.js';
let started = () => {};
@Controller() class C {
 @Get('slow')  async slow(@Call() { signal }: CallContext) {
    started();
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    return {};
  }
 @Get('x') x() { return {}; } }
it('x', async () => {
  const r = await startRest({ controllers: [C] });
  const s = new Promise<void>((res) => (started = res));
  const c = new AbortController();
  const g = fetch(r.url + '/slow', { signal: c.signal }).catch(() => undefined);
  await s; c.abort(); await g;
  await new Promise((res) => setTimeout(res, 300));
  const srv = r.app.getHttpServer();
  const count = () => new Promise((res) => srv.getConnections((e: any, n: number) => res(n)));
  console.log('conns', await count(), r.observer.calls.map((x) => x.outcome));
  if (process.env.ALIVE) { await (await fetch(r.url + '/x')).text(); console.log('conns', await count()); }
  const t = Date.now();
  const i = setInterval(async () => console.log('open', await count()), 500);
  await r.app.close();
  clearInterval(i);
  console.log('closed in', Date.now() - t);
});
