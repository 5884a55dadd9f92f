import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Injectable, Logger, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Configuration, type ConfigurationOptions } from './configuration.js';
import { ConfigurationModule } from './configuration.module.js';
import { ConfigurationError } from './configuration-error.js';
import { Port, Secret, Text } from './keys.js';
import { ReloadConfig } from './reload.config.js';

class FirstConfig {
  @Port('The port.') readonly DEMO_PORT: number = 8080;
  @Secret('The keys.') readonly DEMO_KEYS?: string;
}

class SecondConfig {
  @Text('The name.') readonly DEMO_NAME: string = 'unnamed';
}

@Injectable()
class Consumer {
  constructor(
    readonly first: FirstConfig,
    readonly second: SecondConfig,
  ) {}
}

@Module({ providers: [Consumer] })
class ConsumerModule {}

async function consumer(options?: ConfigurationOptions): Promise<Consumer> {
  const configuration = await Configuration.read([FirstConfig, SecondConfig, ReloadConfig], options);
  const imports = [ConsumerModule, ConfigurationModule.forRoot(configuration)];
  const testing = await Test.createTestingModule({ imports }).compile();
  await testing.init();
  return testing.get(Consumer);
}

describe('with a given environment', () => {
  it('provides each section to every module', async () => {
    const { first, second } = await consumer({ environment: { DEMO_PORT: '1' } });
    expect(first).toBeInstanceOf(FirstConfig);
    expect(first.DEMO_PORT).toBe(1);
    expect(second.DEMO_NAME).toBe('unnamed');
  });

  it("reads nothing of the process's", async () => {
    vi.stubEnv('DEMO_NAME', 'of the process');
    expect((await consumer({ environment: {} })).second.DEMO_NAME).toBe('unnamed');
    vi.unstubAllEnvs();
  });

  it('fails with one error that lists all problems', async () => {
    const failure = consumer({ environment: { DEMO_PORT: 'x', DEMO_KEYS_FILE: '/nowhere' } });
    await expect(failure).rejects.toThrow(ConfigurationError);
    await expect(failure).rejects.toThrow(/DEMO_KEYS_FILE=.*\n.*DEMO_PORT=/);
  });

  it('logs what looks misspelled', async () => {
    const warn = vi.spyOn(Logger.prototype, 'warn').mockReturnValue();
    await consumer({ environment: { DEMO_PROT: '1' } });
    expect(warn.mock.calls).toEqual([['DEMO_PROT is not read: did you mean DEMO_PORT?']]);
    warn.mockRestore();
  });
});

describe('without one', () => {
  const home = process.cwd();
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'configuration-'));
    process.chdir(folder);
    writeFileSync('.env', 'DEMO_PORT=2\nDEMO_NAME=of the file\nDEMO_KEYS=hush\n');
  });

  afterEach(() => {
    process.chdir(home);
    rmSync(folder, { recursive: true });
    vi.unstubAllEnvs();
  });

  it("reads the .env file under the process's environment, and writes nothing back", async () => {
    vi.stubEnv('DEMO_NAME', 'of the process');
    const { first, second } = await consumer();
    expect(first).toMatchObject({ DEMO_PORT: 2, DEMO_KEYS: 'hush' });
    expect(second.DEMO_NAME).toBe('of the process');
    expect(process.env).not.toHaveProperty('DEMO_KEYS');
  });
});
