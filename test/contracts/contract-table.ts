/**
 * What the files in `proto/` must declare, written out a second time by hand, so that no number, name or type moves
 * unnoticed: clients hold contracts of their own, and a moved field breaks them without an error.
 *
 * Fields are separated by `;` or a new line and stand in the order of their numbers; `in x` names the oneof. Types and
 * names are relative to the package. Nothing is assumed beyond what is written: a field that is missing here is as
 * much a failure as one that is missing there.
 */
export interface FileContract {
  readonly package: string;
  /** Service to its rpcs: `Name: Request -> Response`, each side with `stream` where it streams. */
  readonly services: Readonly<Record<string, string>>;
  /** Enum to its values: `NAME=number`. */
  readonly enums: Readonly<Record<string, string>>;
  /** Message to its fields: `type name=number`. */
  readonly messages: Readonly<Record<string, string>>;
}

const inference: FileContract = {
  package: 'inference',
  services: {
    GRPCInferenceService: `
      ServerLive: ServerLiveRequest -> ServerLiveResponse
      ServerReady: ServerReadyRequest -> ServerReadyResponse
      ModelReady: ModelReadyRequest -> ModelReadyResponse
      ServerMetadata: ServerMetadataRequest -> ServerMetadataResponse
      ModelMetadata: ModelMetadataRequest -> ModelMetadataResponse
      ModelInfer: ModelInferRequest -> ModelInferResponse
      ModelStreamInfer: stream ModelInferRequest -> stream ModelStreamInferResponse
      ModelConfig: ModelConfigRequest -> ModelConfigResponse
      ModelStatistics: ModelStatisticsRequest -> ModelStatisticsResponse
      RepositoryIndex: RepositoryIndexRequest -> RepositoryIndexResponse
      RepositoryModelLoad: RepositoryModelLoadRequest -> RepositoryModelLoadResponse
      RepositoryModelUnload: RepositoryModelUnloadRequest -> RepositoryModelUnloadResponse
      SystemSharedMemoryStatus: SystemSharedMemoryStatusRequest -> SystemSharedMemoryStatusResponse
      SystemSharedMemoryRegister: SystemSharedMemoryRegisterRequest -> SystemSharedMemoryRegisterResponse
      SystemSharedMemoryUnregister: SystemSharedMemoryUnregisterRequest -> SystemSharedMemoryUnregisterResponse
      CudaSharedMemoryStatus: CudaSharedMemoryStatusRequest -> CudaSharedMemoryStatusResponse
      CudaSharedMemoryRegister: CudaSharedMemoryRegisterRequest -> CudaSharedMemoryRegisterResponse
      CudaSharedMemoryUnregister: CudaSharedMemoryUnregisterRequest -> CudaSharedMemoryUnregisterResponse
      TraceSetting: TraceSettingRequest -> TraceSettingResponse
      LogSettings: LogSettingsRequest -> LogSettingsResponse`,
    GrpcInferenceService: `
      ServerLive: ServerLiveRequest -> ServerLiveResponse
      ServerReady: ServerReadyRequest -> ServerReadyResponse
      ModelReady: ModelReadyRequest -> ModelReadyResponse
      ServerMetadata: ServerMetadataRequest -> ServerMetadataResponse
      ModelMetadata: ModelMetadataRequest -> ModelMetadataResponse
      ModelInfer: ModelInferRequest -> ModelInferResponse`,
  },
  enums: {},
  messages: {
    ServerLiveRequest: '',
    ServerLiveResponse: 'bool live=1',
    ServerReadyRequest: '',
    ServerReadyResponse: 'bool ready=1',
    ModelReadyRequest: 'string name=1; string version=2',
    ModelReadyResponse: 'bool ready=1',
    ServerMetadataRequest: '',
    ServerMetadataResponse: 'string name=1; string version=2; repeated string extensions=3',
    ModelMetadataRequest: 'string name=1; string version=2',
    ModelMetadataResponse: `
      string name=1; repeated string versions=2; string platform=3
      repeated ModelMetadataResponse.TensorMetadata inputs=4; repeated ModelMetadataResponse.TensorMetadata outputs=5
      map<string, string> properties=6`,
    'ModelMetadataResponse.TensorMetadata': `
      string name=1; string datatype=2; repeated int64 shape=3; map<string, InferParameter> parameters=4`,
    InferParameter: `
      bool bool_param=1 in parameter_choice; int64 int64_param=2 in parameter_choice
      string string_param=3 in parameter_choice; double double_param=4 in parameter_choice
      uint64 uint64_param=5 in parameter_choice`,
    InferTensorContents: `
      repeated bool bool_contents=1; repeated int32 int_contents=2; repeated int64 int64_contents=3
      repeated uint32 uint_contents=4; repeated uint64 uint64_contents=5; repeated float fp32_contents=6
      repeated double fp64_contents=7; repeated bytes bytes_contents=8`,
    ModelInferRequest: `
      string model_name=1; string model_version=2; string id=3; map<string, InferParameter> parameters=4
      repeated ModelInferRequest.InferInputTensor inputs=5
      repeated ModelInferRequest.InferRequestedOutputTensor outputs=6; repeated bytes raw_input_contents=7`,
    'ModelInferRequest.InferInputTensor': `
      string name=1; string datatype=2; repeated int64 shape=3; map<string, InferParameter> parameters=4
      InferTensorContents contents=5`,
    'ModelInferRequest.InferRequestedOutputTensor': 'string name=1; map<string, InferParameter> parameters=2',
    ModelInferResponse: `
      string model_name=1; string model_version=2; string id=3; map<string, InferParameter> parameters=4
      repeated ModelInferResponse.InferOutputTensor outputs=5; repeated bytes raw_output_contents=6`,
    'ModelInferResponse.InferOutputTensor': `
      string name=1; string datatype=2; repeated int64 shape=3; map<string, InferParameter> parameters=4
      InferTensorContents contents=5`,
    ModelStreamInferResponse: 'string error_message=1; ModelInferResponse infer_response=2',
    ModelConfigRequest: 'string name=1; string version=2',
    ModelConfigResponse: 'ModelConfig config=1',
    ModelStatisticsRequest: 'string name=1; string version=2',
    ModelStatisticsResponse: 'repeated ModelStatistics model_stats=1',
    StatisticDuration: 'uint64 count=1; uint64 ns=2',
    InferStatistics: `
      StatisticDuration success=1; StatisticDuration fail=2; StatisticDuration queue=3
      StatisticDuration compute_input=4; StatisticDuration compute_infer=5; StatisticDuration compute_output=6
      StatisticDuration cache_hit=7; StatisticDuration cache_miss=8`,
    InferResponseStatistics: `
      StatisticDuration compute_infer=1; StatisticDuration compute_output=2; StatisticDuration success=3
      StatisticDuration fail=4; StatisticDuration empty_response=5; StatisticDuration cancel=6`,
    InferBatchStatistics: `
      uint64 batch_size=1; StatisticDuration compute_input=2; StatisticDuration compute_infer=3
      StatisticDuration compute_output=4`,
    MemoryUsage: 'string type=1; int64 id=2; uint64 byte_size=3',
    ModelStatistics: `
      string name=1; string version=2; uint64 last_inference=3; uint64 inference_count=4; uint64 execution_count=5
      InferStatistics inference_stats=6; repeated InferBatchStatistics batch_stats=7
      repeated MemoryUsage memory_usage=8; map<string, InferResponseStatistics> response_stats=9`,
    ModelRepositoryParameter: `
      bool bool_param=1 in parameter_choice; int64 int64_param=2 in parameter_choice
      string string_param=3 in parameter_choice; bytes bytes_param=4 in parameter_choice`,
    RepositoryIndexRequest: 'string repository_name=1; bool ready=2',
    RepositoryIndexResponse: 'repeated RepositoryIndexResponse.ModelIndex models=1',
    'RepositoryIndexResponse.ModelIndex': 'string name=1; string version=2; string state=3; string reason=4',
    RepositoryModelLoadRequest: `
      string repository_name=1; string model_name=2; map<string, ModelRepositoryParameter> parameters=3`,
    RepositoryModelLoadResponse: 'string model_name=1; bool isLoaded=2',
    RepositoryModelUnloadRequest: `
      string repository_name=1; string model_name=2; map<string, ModelRepositoryParameter> parameters=3`,
    RepositoryModelUnloadResponse: 'string model_name=1; bool isUnloaded=2',
    SystemSharedMemoryStatusRequest: 'string name=1',
    SystemSharedMemoryStatusResponse: 'map<string, SystemSharedMemoryStatusResponse.RegionStatus> regions=1',
    'SystemSharedMemoryStatusResponse.RegionStatus': `
      string name=1; string key=2; uint64 offset=3; uint64 byte_size=4`,
    SystemSharedMemoryRegisterRequest: 'string name=1; string key=2; uint64 offset=3; uint64 byte_size=4',
    SystemSharedMemoryRegisterResponse: '',
    SystemSharedMemoryUnregisterRequest: 'string name=1',
    SystemSharedMemoryUnregisterResponse: '',
    CudaSharedMemoryStatusRequest: 'string name=1',
    CudaSharedMemoryStatusResponse: 'map<string, CudaSharedMemoryStatusResponse.RegionStatus> regions=1',
    'CudaSharedMemoryStatusResponse.RegionStatus': 'string name=1; uint64 device_id=2; uint64 byte_size=3',
    CudaSharedMemoryRegisterRequest: 'string name=1; bytes raw_handle=2; int64 device_id=3; uint64 byte_size=4',
    CudaSharedMemoryRegisterResponse: '',
    CudaSharedMemoryUnregisterRequest: 'string name=1',
    CudaSharedMemoryUnregisterResponse: '',
    TraceSettingRequest: 'map<string, TraceSettingRequest.SettingValue> settings=1; string model_name=2',
    'TraceSettingRequest.SettingValue': 'repeated string value=1',
    TraceSettingResponse: 'map<string, TraceSettingResponse.SettingValue> settings=1',
    'TraceSettingResponse.SettingValue': 'repeated string value=1',
    LogSettingsRequest: 'map<string, LogSettingsRequest.SettingValue> settings=1',
    'LogSettingsRequest.SettingValue': `
      bool bool_param=1 in parameter_choice; uint32 uint32_param=2 in parameter_choice
      string string_param=3 in parameter_choice`,
    LogSettingsResponse: 'map<string, LogSettingsResponse.SettingValue> settings=1',
    'LogSettingsResponse.SettingValue': `
      bool bool_param=1 in parameter_choice; uint32 uint32_param=2 in parameter_choice
      string string_param=3 in parameter_choice`,
  },
};

const modelConfig: FileContract = {
  package: 'inference',
  services: {},
  enums: {
    DataType: `
      TYPE_INVALID=0; TYPE_BOOL=1; TYPE_UINT8=2; TYPE_UINT16=3; TYPE_UINT32=4; TYPE_UINT64=5; TYPE_INT8=6
      TYPE_INT16=7; TYPE_INT32=8; TYPE_INT64=9; TYPE_FP16=10; TYPE_FP32=11; TYPE_FP64=12; TYPE_STRING=13
      TYPE_BF16=14`,
    'ModelInstanceGroup.Kind': 'KIND_AUTO=0; KIND_GPU=1; KIND_CPU=2; KIND_MODEL=3',
    'ModelInstanceGroup.SecondaryDevice.SecondaryDeviceKind': 'KIND_NVDLA=0',
    'ModelInput.Format': 'FORMAT_NONE=0; FORMAT_NHWC=1; FORMAT_NCHW=2',
    'BatchInput.Kind': `
      BATCH_ELEMENT_COUNT=0; BATCH_ACCUMULATED_ELEMENT_COUNT=1; BATCH_ACCUMULATED_ELEMENT_COUNT_WITH_ZERO=2
      BATCH_MAX_ELEMENT_COUNT_AS_SHAPE=3; BATCH_ITEM_SHAPE=4; BATCH_ITEM_SHAPE_FLATTEN=5`,
    'BatchOutput.Kind': 'BATCH_SCATTER_WITH_INPUT_SHAPE=0',
    'ModelOptimizationPolicy.ModelPriority': 'PRIORITY_DEFAULT=0; PRIORITY_MAX=1; PRIORITY_MIN=2',
    'ModelQueuePolicy.TimeoutAction': 'REJECT=0; DELAY=1',
    'ModelSequenceBatching.Control.Kind': `
      CONTROL_SEQUENCE_START=0; CONTROL_SEQUENCE_READY=1; CONTROL_SEQUENCE_END=2; CONTROL_SEQUENCE_CORRID=3`,
  },
  messages: {
    ModelConfig: `
      string name=1; string platform=2; ModelVersionPolicy version_policy=3; int32 max_batch_size=4
      repeated ModelInput input=5; repeated ModelOutput output=6; repeated ModelInstanceGroup instance_group=7
      string default_model_filename=8; map<string, string> cc_model_filenames=9; map<string, string> metric_tags=10
      ModelDynamicBatching dynamic_batching=11 in scheduling_choice; ModelOptimizationPolicy optimization=12
      ModelSequenceBatching sequence_batching=13 in scheduling_choice; map<string, ModelParameter> parameters=14
      ModelEnsembling ensemble_scheduling=15 in scheduling_choice; repeated ModelWarmup model_warmup=16
      string backend=17; ModelOperations model_operations=18; ModelTransactionPolicy model_transaction_policy=19
      repeated BatchInput batch_input=20; repeated BatchOutput batch_output=21
      ModelRepositoryAgents model_repository_agents=23; ModelResponseCache response_cache=24; string runtime=25
      ModelMetrics model_metrics=26`,
    ModelInput: `
      string name=1; DataType data_type=2; ModelInput.Format format=3; repeated int64 dims=4
      ModelTensorReshape reshape=5; bool is_shape_tensor=6; bool allow_ragged_batch=7; bool optional=8
      bool is_non_linear_format_io=9`,
    ModelOutput: `
      string name=1; DataType data_type=2; repeated int64 dims=3; string label_filename=4
      ModelTensorReshape reshape=5; bool is_shape_tensor=6; bool is_non_linear_format_io=7`,
    ModelTensorReshape: 'repeated int64 shape=1',
    BatchInput: `
      BatchInput.Kind kind=1; repeated string target_name=2; DataType data_type=3; repeated string source_input=4`,
    BatchOutput: 'repeated string target_name=1; BatchOutput.Kind kind=2; repeated string source_input=3',
    ModelVersionPolicy: `
      ModelVersionPolicy.Latest latest=1 in policy_choice; ModelVersionPolicy.All all=2 in policy_choice
      ModelVersionPolicy.Specific specific=3 in policy_choice`,
    'ModelVersionPolicy.Latest': 'uint32 num_versions=1',
    'ModelVersionPolicy.All': '',
    'ModelVersionPolicy.Specific': 'repeated int64 versions=1',
    ModelInstanceGroup: `
      string name=1; int32 count=2; repeated int32 gpus=3; ModelInstanceGroup.Kind kind=4; repeated string profile=5
      ModelRateLimiter rate_limiter=6; bool passive=7
      repeated ModelInstanceGroup.SecondaryDevice secondary_devices=8; string host_policy=9`,
    'ModelInstanceGroup.SecondaryDevice': `
      ModelInstanceGroup.SecondaryDevice.SecondaryDeviceKind kind=1; int64 device_id=2`,
    ModelRateLimiter: 'repeated ModelRateLimiter.Resource resources=1; uint32 priority=2',
    'ModelRateLimiter.Resource': 'string name=1; bool global=2; uint32 count=3',
    ModelOptimizationPolicy: `
      ModelOptimizationPolicy.Graph graph=1; ModelOptimizationPolicy.ModelPriority priority=2
      ModelOptimizationPolicy.Cuda cuda=3; ModelOptimizationPolicy.ExecutionAccelerators execution_accelerators=4
      ModelOptimizationPolicy.PinnedMemoryBuffer input_pinned_memory=5
      ModelOptimizationPolicy.PinnedMemoryBuffer output_pinned_memory=6
      uint32 gather_kernel_buffer_threshold=7; bool eager_batching=8`,
    'ModelOptimizationPolicy.Graph': 'int32 level=1',
    'ModelOptimizationPolicy.Cuda': `
      bool graphs=1; bool busy_wait_events=2; repeated ModelOptimizationPolicy.Cuda.GraphSpec graph_spec=3
      bool output_copy_stream=4`,
    'ModelOptimizationPolicy.Cuda.GraphSpec': `
      int32 batch_size=1; map<string, ModelOptimizationPolicy.Cuda.GraphSpec.Shape> input=2
      ModelOptimizationPolicy.Cuda.GraphSpec.LowerBound graph_lower_bound=3`,
    'ModelOptimizationPolicy.Cuda.GraphSpec.Shape': 'repeated int64 dim=1',
    'ModelOptimizationPolicy.Cuda.GraphSpec.LowerBound': `
      int32 batch_size=1; map<string, ModelOptimizationPolicy.Cuda.GraphSpec.Shape> input=2`,
    'ModelOptimizationPolicy.ExecutionAccelerators': `
      repeated ModelOptimizationPolicy.ExecutionAccelerators.Accelerator gpu_execution_accelerator=1
      repeated ModelOptimizationPolicy.ExecutionAccelerators.Accelerator cpu_execution_accelerator=2`,
    'ModelOptimizationPolicy.ExecutionAccelerators.Accelerator': 'string name=1; map<string, string> parameters=2',
    'ModelOptimizationPolicy.PinnedMemoryBuffer': 'bool enable=1',
    ModelQueuePolicy: `
      ModelQueuePolicy.TimeoutAction timeout_action=1; uint64 default_timeout_microseconds=2
      bool allow_timeout_override=3; uint32 max_queue_size=4`,
    ModelDynamicBatching: `
      repeated int32 preferred_batch_size=1; uint64 max_queue_delay_microseconds=2; bool preserve_ordering=3
      uint64 priority_levels=4; uint64 default_priority_level=5; ModelQueuePolicy default_queue_policy=6
      map<uint64, ModelQueuePolicy> priority_queue_policy=7`,
    ModelSequenceBatching: `
      uint64 max_sequence_idle_microseconds=1; repeated ModelSequenceBatching.ControlInput control_input=2
      ModelSequenceBatching.StrategyDirect direct=3 in strategy_choice
      ModelSequenceBatching.StrategyOldest oldest=4 in strategy_choice
      repeated ModelSequenceBatching.State state=5; bool iterative_sequence=6`,
    'ModelSequenceBatching.Control': `
      ModelSequenceBatching.Control.Kind kind=1; repeated int32 int32_false_true=2; repeated float fp32_false_true=3
      DataType data_type=4; repeated bool bool_false_true=5`,
    'ModelSequenceBatching.ControlInput': 'string name=1; repeated ModelSequenceBatching.Control control=2',
    'ModelSequenceBatching.InitialState': `
      DataType data_type=1; repeated int64 dims=2; bool zero_data=3 in state_data; string data_file=4 in state_data
      string name=5`,
    'ModelSequenceBatching.State': `
      string input_name=1; string output_name=2; DataType data_type=3; repeated int64 dims=4
      repeated ModelSequenceBatching.InitialState initial_state=5; bool use_same_buffer_for_input_output=6
      bool use_growable_memory=7`,
    'ModelSequenceBatching.StrategyDirect': `
      uint64 max_queue_delay_microseconds=1; float minimum_slot_utilization=2`,
    'ModelSequenceBatching.StrategyOldest': `
      int32 max_candidate_sequences=1; repeated int32 preferred_batch_size=2; uint64 max_queue_delay_microseconds=3
      bool preserve_ordering=4`,
    ModelEnsembling: 'repeated ModelEnsembling.Step step=1; uint32 max_inflight_requests=2',
    'ModelEnsembling.Step': `
      string model_name=1; int64 model_version=2; map<string, string> input_map=3; map<string, string> output_map=4
      string model_namespace=5`,
    ModelParameter: 'string string_value=1',
    ModelWarmup: 'string name=1; uint32 batch_size=2; map<string, ModelWarmup.Input> inputs=3; uint32 count=4',
    'ModelWarmup.Input': `
      DataType data_type=1; repeated int64 dims=2; bool zero_data=3 in input_data_type
      bool random_data=4 in input_data_type; string input_data_file=5 in input_data_type`,
    ModelOperations: 'repeated string op_library_filename=1',
    ModelTransactionPolicy: 'bool decoupled=1',
    ModelRepositoryAgents: 'repeated ModelRepositoryAgents.Agent agents=1',
    'ModelRepositoryAgents.Agent': 'string name=1; map<string, string> parameters=2',
    ModelResponseCache: 'bool enable=1',
    ModelMetrics: 'repeated ModelMetrics.MetricControl metric_control=1',
    'ModelMetrics.MetricControl': `
      ModelMetrics.MetricControl.MetricIdentifier metric_identifier=1
      ModelMetrics.MetricControl.HistogramOptions histogram_options=2 in metric_options`,
    'ModelMetrics.MetricControl.MetricIdentifier': 'string family=1',
    'ModelMetrics.MetricControl.HistogramOptions': 'repeated double buckets=1',
  },
};

const modelRepository: FileContract = {
  package: 'inference.model_repository',
  services: {
    ModelRepositoryService: `
      RepositoryIndex: RepositoryIndexRequest -> RepositoryIndexResponse
      RepositoryModelLoad: RepositoryModelLoadRequest -> RepositoryModelLoadResponse
      RepositoryModelUnload: RepositoryModelUnloadRequest -> RepositoryModelUnloadResponse`,
  },
  enums: {},
  messages: {
    RepositoryIndexRequest: 'string repository_name=1; bool ready=2',
    RepositoryIndexResponse: 'repeated RepositoryIndexResponse.ModelIndex models=1',
    'RepositoryIndexResponse.ModelIndex': 'string name=1; string version=2; string state=3; string reason=4',
    RepositoryModelLoadRequest: 'string repository_name=1; string model_name=2',
    RepositoryModelLoadResponse: 'string model_name=1; bool isLoaded=2',
    RepositoryModelUnloadRequest: 'string repository_name=1; string model_name=2',
    RepositoryModelUnloadResponse: 'string model_name=1; bool isUnloaded=2',
  },
};

const health: FileContract = {
  package: 'grpc.health.v1',
  services: {
    Health: `
      Check: HealthCheckRequest -> HealthCheckResponse
      Watch: HealthCheckRequest -> stream HealthCheckResponse`,
  },
  enums: { 'HealthCheckResponse.ServingStatus': 'UNKNOWN=0; SERVING=1; NOT_SERVING=2; SERVICE_UNKNOWN=3' },
  messages: {
    HealthCheckRequest: 'string service=1',
    HealthCheckResponse: 'HealthCheckResponse.ServingStatus status=1',
  },
};

const errorDetails: FileContract = {
  package: 'google.rpc',
  services: {},
  enums: {},
  messages: {
    Status: 'int32 code=1; string message=2; repeated .google.protobuf.Any details=3',
    BadRequest: 'repeated BadRequest.FieldViolation field_violations=1',
    'BadRequest.FieldViolation': 'string field=1; string description=2',
    RetryInfo: '.google.protobuf.Duration retry_delay=1',
    ErrorInfo: 'string reason=1; string domain=2',
  },
};

/** By file name in `proto/`. */
export const contracts: Readonly<Record<string, FileContract>> = {
  'error_details.proto': errorDetails,
  'health.proto': health,
  'inference.proto': inference,
  'model_config.proto': modelConfig,
  'model_repository.proto': modelRepository,
};
