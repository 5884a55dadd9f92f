import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Injectable } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { unimplemented } from '../core/errors/catalogue.js';
import type { InferenceCall } from '../core/inference/call.js';
import { ModelAccess } from '../core/inference/model-access.js';
import type { ModelConfig } from '../core/model/model-config.js';
import type { NamedSpec } from '../core/model/signature.js';
import { ModelRegistry } from '../engine/registry/model-registry.js';
import { extensionNames } from '../protocol/extension.decorator.js';
import { MetadataConfig } from './metadata.config.js';

export interface ServerMetadata {
  readonly name: string;
  readonly version: string;
  readonly extensions: readonly string[];
}

export interface ModelDescription {
  readonly name: string;
  readonly versions: readonly string[];
  readonly platform: string;
  readonly inputs: readonly NamedSpec[];
  readonly outputs: readonly NamedSpec[];
}

/** What the server and its models say of themselves, for both wires. */
@Injectable()
export class MetadataService {
  private readonly version = readVersion();

  constructor(
    private readonly registry: ModelRegistry,
    private readonly modules: ModulesContainer,
    private readonly config: MetadataConfig,
    private readonly access: ModelAccess,
  ) {}

  server(): ServerMetadata {
    return { name: this.config.SERVER_NAME, version: this.version, extensions: this.extensions() };
  }

  /** What the imported modules bring, in alphabetical order. */
  private extensions(): string[] {
    const modules = [...this.modules.values()].flatMap(({ metatype }) => extensionNames(metatype));
    return [...new Set(modules)].sort();
  }

  /** The models that would be served, as far as the caller may see them. */
  async models(call: InferenceCall): Promise<readonly string[]> {
    const ready = this.registry.names().filter((name) => this.registry.isReady(name));
    return this.access.visible(call, 'metadata', ready.sort());
  }

  /** A model's ready versions, or the one that was asked for, with its tensors. */
  model(name: string, version: string): ModelDescription {
    const { platform, inputs, outputs } = this.registry.resolve(name, version);
    const ready = (this.registry.versionsOf(name) ?? []).filter(({ handle }) => handle !== undefined);
    const versions = version === '' ? ready.map((known) => known.version) : [version];
    return { name, versions, platform, inputs, outputs };
  }

  /** The configuration that a model runs by, complete. */
  modelConfig(name: string, version: string): ModelConfig {
    const { config } = this.registry.resolve(name, version);
    if (config === undefined) throw unimplemented(`model '${name}' was loaded without a configuration`);
    return config;
  }
}

function readVersion(): string {
  const manifest = readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}
