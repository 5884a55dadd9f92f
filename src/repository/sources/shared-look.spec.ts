import { expect, it } from 'vitest';
import { Deferred } from '../../testing/deferred.js';
import { SharedLook } from './shared-look.js';

function controlled() {
  const looks: Deferred<number>[] = [];
  const look = new SharedLook(() => {
    const deferred = new Deferred<number>();
    looks.push(deferred);
    return deferred.promise;
  });
  return { look, looks };
}

it('shares the look after the one that is under way, and looks anew afterwards', async () => {
  const { look, looks } = controlled();
  const first = look.take();
  const others = [look.take(), look.take(), look.take()];
  expect(looks).toHaveLength(1);
  looks[0]?.resolve(1);
  expect(await first).toBe(1);
  await Promise.resolve();
  expect(looks).toHaveLength(2);
  const third = look.take();
  looks[1]?.resolve(2);
  expect(await Promise.all(others)).toEqual([2, 2, 2]);
  await Promise.resolve();
  looks[2]?.resolve(3);
  expect(await third).toBe(3);
  const fourth = look.take();
  expect(looks).toHaveLength(4);
  looks[3]?.resolve(4);
  expect(await fourth).toBe(4);
});

it('looks again after a failure', async () => {
  const { look, looks } = controlled();
  const [first, second] = [look.take(), look.take()];
  looks[0]?.reject(new Error('gone'));
  await expect(first).rejects.toThrow('gone');
  await Promise.resolve();
  looks[1]?.resolve(2);
  expect(await second).toBe(2);
});
