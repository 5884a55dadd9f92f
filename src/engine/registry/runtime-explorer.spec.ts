import { Injectable, type Provider, Scope } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { expect, it } from 'vitest';
import { type LoadedModel, Runtime } from '#core';
import { echo, vector } from '../../../test/support/engine.js';
import { ProviderDiscovery } from './provider-discovery.js';
import { RuntimeExplorer } from './runtime-explorer.js';

const text = { platform: 'text', backend: 'text', artifact: 'model.txt' };

@Runtime(text)
class TextRuntime {
  async load(): Promise<LoadedModel> {
    return { inputs: vector.inputs, outputs: vector.outputs, model: echo };
  }
}

async function explore(...providers: readonly Provider[]): Promise<RuntimeExplorer> {
  const imports = [DiscoveryModule];
  const module = { imports, providers: [RuntimeExplorer, ProviderDiscovery, ...providers] };
  const app = await Test.createTestingModule(module).compile();
  await app.init();
  return app.get(RuntimeExplorer);
}

it('finds the runtimes by the files that they claim', async () => {
  @Runtime({ ...text, artifact: 'model.csv' })
  class TableRuntime extends TextRuntime {}
  const explorer = await explore(TextRuntime, { provide: Symbol('table'), useFactory: () => new TableRuntime() });
  expect(explorer.artifacts).toEqual(['model.txt', 'model.csv']);
  expect(explorer.claiming('model.txt')).toEqual({ claim: text, runtime: expect.any(TextRuntime) });
  expect(explorer.claiming('model.csv')?.runtime).toBeInstanceOf(TableRuntime);
  expect(explorer.claiming('model.onnx')).toBeUndefined();
});

it('finds the runtimes by the names that configurations have for them', async () => {
  @Runtime({ platform: 'far', backend: 'elsewhere', artifact: '' })
  class FarRuntime extends TextRuntime {}
  const explorer = await explore(TextRuntime, FarRuntime);
  expect(explorer.artifacts).toEqual(['model.txt']);
  expect(explorer.backends).toEqual(['text', 'elsewhere']);
  expect(explorer.named({ backend: 'elsewhere', platform: '' })?.runtime).toBeInstanceOf(FarRuntime);
  expect(explorer.named({ backend: '', platform: 'far' })?.runtime).toBeInstanceOf(FarRuntime);
  // The backend decides where both stand.
  expect(explorer.named({ backend: 'text', platform: 'far' })?.runtime).not.toBeInstanceOf(FarRuntime);
  for (const name of ['far.js', 'constructor', '__proto__']) {
    expect(explorer.named({ backend: name, platform: 'text' })).toBeUndefined();
  }
});

it('refuses two runtimes for one file, and names both', async () => {
  @Runtime({ platform: 'other', backend: 'other', artifact: 'model.txt' })
  class OtherRuntime extends TextRuntime {}
  await expect(explore(TextRuntime, OtherRuntime)).rejects.toThrow(
    "OtherRuntime and TextRuntime both claim 'model.txt': remove one from the providers",
  );
});

it('refuses a runtime whose scope is the request', async () => {
  @Injectable({ scope: Scope.REQUEST })
  @Runtime(text)
  class ScopedRuntime extends TextRuntime {}
  await expect(explore(ScopedRuntime)).rejects.toThrow('ScopedRuntime is request-scoped');
});
