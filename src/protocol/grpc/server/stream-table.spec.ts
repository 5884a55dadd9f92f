import fc from 'fast-check';
import { once } from 'node:events';
import { type ClientHttp2Session, connect, createServer, type ServerHttp2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { PendingStreams, replaceStreams, StreamTable } from './stream-table.js';

const operation = fc.record({ id: fc.integer({ min: 1, max: 600 }), removes: fc.boolean() });

describe('StreamTable', () => {
  it('answers as a Map does, whatever comes and goes', () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 1_500 }), (operations) => {
        const table = new StreamTable<{ id: number }>();
        const map = new Map<number, { id: number }>();
        for (const { id, removes } of operations) {
          const stream = { id };
          if (removes) expect(table.delete(id)).toBe(map.delete(id));
          else {
            table.set(id, stream);
            map.set(id, stream);
          }
          expect(table.size).toBe(map.size);
          expect(table.get(id)).toBe(map.get(id));
        }
        expect(new Map(table)).toEqual(map);
        for (const [id, stream] of map) expect(table.get(id)).toBe(stream);
      }),
    );
  });

  it('stays small beside a stream that lasts', () => {
    const table = new StreamTable<object>().set(1, {});
    for (let id = 3; id < 100_000; id += 2) {
      table.set(id, {});
      table.delete(id);
    }
    expect(table.size).toBe(1);
    expect((table as unknown as { readonly ids: readonly number[] }).ids).toHaveLength(128);
  });

  it('lets the streams be closed while they are visited', () => {
    const table = new StreamTable<object>().set(1, {}).set(3, {}).set(5, {});
    const visited: number[] = [];
    table.forEach((_, id) => {
      visited.push(id);
      table.delete(id);
    });
    expect(visited).toEqual([1, 3, 5]);
    expect(table.size).toBe(0);
  });
});

describe('PendingStreams', () => {
  it('answers as a Set does, whatever comes and goes', () => {
    const all = Array.from({ length: 5 }, (_, id) => ({ id }));
    const step = fc.record({ stream: fc.constantFrom(...all), removes: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const pending = new PendingStreams<{ id: number }>();
        const set = new Set<{ id: number }>();
        for (const { stream, removes } of steps) {
          if (removes) expect(pending.delete(stream)).toBe(set.delete(stream));
          else {
            pending.add(stream);
            set.add(stream);
          }
          expect(pending.size).toBe(set.size);
        }
        const visited: object[] = [];
        pending.forEach((stream) => visited.push(stream));
        expect(new Set(visited)).toEqual(set);
        expect(visited).toHaveLength(set.size);
      }),
    );
  });
});

describe('replaceStreams', () => {
  it('stands in a session of node:http2 as its own table does: calls are answered, and an end closes them', async () => {
    const server = createServer();
    const opened = once(server, 'session') as Promise<[ServerHttp2Session]>;
    const replaced: boolean[] = [];
    server.on('session', (session) => replaced.push(replaceStreams(session)));
    server.on('stream', (stream, { ':path': path }) => {
      if (path === '/waits') return;
      stream.respond();
      stream.end(path);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    try {
      const [session] = await opened;
      expect(replaced).toEqual([true]);
      const states = Object.getOwnPropertySymbols(session).map((symbol) => Reflect.get(session, symbol) as unknown);
      expect(states).toContainEqual(
        expect.objectContaining({ streams: expect.any(StreamTable), pendingStreams: expect.any(PendingStreams) }),
      );
      expect(await read(client, '/a')).toBe('/a');
      const waiting = client.request({ ':path': '/waits' });
      expect(await Promise.all(Array.from({ length: 200 }, (_, index) => read(client, `/${index}`)))).toHaveLength(200);
      expect(replaceStreams(session)).toBe(false);
      const closed = once(waiting, 'close');
      session.destroy();
      await closed;
    } finally {
      client.destroy();
      server.close();
    }
  });
});

async function read(client: ClientHttp2Session, path: string): Promise<string> {
  let text = '';
  for await (const part of client.request({ ':path': path }).setEncoding('utf8')) text += part as string;
  return text;
}
