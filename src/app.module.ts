import { type DynamicModule, Module, type ModuleMetadata, type Type } from '@nestjs/common';
import { AdmissionModule } from './admission/admission.module.js';
import { ApiKeyAuthenticator } from './admission/authentication/api-key/api-key.authenticator.js';
import { AuthenticationConfig } from './admission/authentication/authentication.config.js';
import { ClientCertificateAuthenticator } from './admission/authentication/client-certificate.authenticator.js';
import { JwtAuthenticator } from './admission/authentication/jwt/jwt.authenticator.js';
import { JwtConfig } from './admission/authentication/jwt/jwt.config.js';
import { AuthorizationConfig } from './admission/authorization/authorization.config.js';
import { RateLimitConfig } from './admission/rate-limit/rate-limit.config.js';
import { RestrictionConfig } from './admission/restriction/restriction.config.js';
import type { Configuration } from './config/configuration.js';
import { ConfigurationModule } from './config/configuration.module.js';
import { ReloadConfig } from './config/reload.config.js';
import { Drain } from './drain.js';
import { CacheConfig } from './engine/cache/cache.config.js';
import { CacheStage } from './engine/cache/cache.stage.js';
import { EngineModule } from './engine/engine.module.js';
import { ClassificationSlot } from './engine/pipeline/stage-slot.js';
import { ContentTypeStage } from './engine/pipeline/content-type.stage.js';
import { ValidateStage } from './engine/pipeline/validate.stage.js';
import { QueueConfig } from './engine/scheduling/queue/queue.config.js';
import { ClassificationModule } from './extensions/classification/classification.module.js';
import { GenerateModule } from './extensions/generate/generate.module.js';
import { KserveV1Config } from './extensions/kserve-v1/kserve-v1.config.js';
import { KserveV1Module } from './extensions/kserve-v1/kserve-v1.module.js';
import { LoggingModule } from './extensions/logging/logging.module.js';
import { OpenapiConfig } from './extensions/openapi/openapi.config.js';
import { OpenapiModule } from './extensions/openapi/openapi.module.js';
import { ReflectionModule } from './extensions/reflection/reflection.module.js';
import { SharedMemoryConfig } from './extensions/shared-memory/shared-memory.config.js';
import { SharedMemoryModule } from './extensions/shared-memory/shared-memory.module.js';
import { StatisticsModule } from './extensions/statistics/statistics.module.js';
import { TraceConfig } from './extensions/trace/trace.config.js';
import { TraceModule } from './extensions/trace/trace.module.js';
import { HealthModule } from './health/health.module.js';
import { InferenceConfig } from './inference/inference.config.js';
import { InferenceModule } from './inference/inference.module.js';
import { MetadataConfig } from './metadata/metadata.config.js';
import { MetadataModule } from './metadata/metadata.module.js';
import { ModelsModule } from './models/models.module.js';
import { AuditConfig } from './observability/audit.config.js';
import { LogConfig } from './observability/log.config.js';
import { ObservabilityModule } from './observability/observability.module.js';
import { CallConfig } from './protocol/call/call.config.js';
import { GrpcConfig } from './protocol/grpc/grpc.config.js';
import { ProtocolModule } from './protocol/protocol.module.js';
import { BrowserConfig } from './protocol/rest/server/browser.config.js';
import { RestConfig } from './protocol/rest/rest.config.js';
import { ConnectionsConfig } from './protocol/rest/server/connections.config.js';
import { TlsConfig } from './protocol/tls/tls.config.js';
import { RepositoryConfig } from './repository/repository.config.js';
import { RepositoryModule } from './repository/repository.module.js';
import { EnsembleModule } from './runtimes/ensemble/ensemble.module.js';
import { OnnxConfig } from './runtimes/onnx/onnx.config.js';
import { OnnxModule } from './runtimes/onnx/onnx.module.js';
import { RemoteConfig } from './runtimes/remote/remote.config.js';
import { RemoteModule } from './runtimes/remote/remote.module.js';

/** Every section of the configuration; all of them are read and checked together. */
export const SECTIONS = [
  RestConfig,
  ConnectionsConfig,
  BrowserConfig,
  GrpcConfig,
  CallConfig,
  InferenceConfig,
  QueueConfig,
  CacheConfig,
  RepositoryConfig,
  SharedMemoryConfig,
  TraceConfig,
  KserveV1Config,
  OpenapiConfig,
  OnnxConfig,
  RemoteConfig,
  MetadataConfig,
  TlsConfig,
  AuthenticationConfig,
  JwtConfig,
  AuthorizationConfig,
  RateLimitConfig,
  RestrictionConfig,
  ReloadConfig,
  LogConfig,
  AuditConfig,
] as const;

/** What the server speaks beyond the Open Inference Protocol; any of them can go. */
export const EXTENSIONS: readonly Type[] = [
  ClassificationModule,
  StatisticsModule,
  SharedMemoryModule,
  TraceModule,
  LoggingModule,
  GenerateModule,
  KserveV1Module,
  ReflectionModule,
  OpenapiModule,
];

export interface AppModuleOptions {
  readonly configuration: Configuration;
  /** The modules with the models that are written in code. Default: {@link ModelsModule}. */
  readonly models?: NonNullable<ModuleMetadata['imports']>;
  /** Default: {@link EXTENSIONS}. */
  readonly extensions?: readonly Type[];
}

/** The composition root: what the server is made of. A feature goes with its line. */
@Module({})
export class AppModule {
  static forRoot({ configuration, models = [ModelsModule], extensions = EXTENSIONS }: AppModuleOptions): DynamicModule {
    return {
      module: AppModule,
      imports: [
        ConfigurationModule.forRoot(configuration),
        ObservabilityModule,
        AdmissionModule.forRoot({
          authenticators: [ApiKeyAuthenticator, JwtAuthenticator, ClientCertificateAuthenticator],
        }),
        EngineModule.forRoot({ stages: [ContentTypeStage, ValidateStage, ClassificationSlot, CacheStage] }),
        OnnxModule,
        RemoteModule,
        EnsembleModule,
        ProtocolModule,
        HealthModule,
        MetadataModule,
        InferenceModule,
        RepositoryModule,
        ...extensions,
        ...models,
      ],
      providers: [Drain],
    };
  }
}
