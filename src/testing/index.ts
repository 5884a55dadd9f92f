/** All that a model's test may import besides `#core`. */
export { defineModel, type ModelClass } from './define-model.js';
export { GrpcClient, type GrpcOptions, type ServiceName } from './grpc-client.js';
export type { PlainTensor, PlainTensors } from './plain-tensors.js';
export { RestClient, type RestReply } from './rest-client.js';
export { serve, type ServeOptions, TestServer } from './serve.js';
