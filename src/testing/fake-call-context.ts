import { CallContext, type CallDetails } from '../protocol/call/call-context.js';

/** A call that a test opens without a server. */
export const fakeCall = (details: Partial<CallDetails> = {}): CallContext =>
  new CallContext({
    wire: 'grpc',
    operation: '/inference.GRPCInferenceService/ModelInfer',
    requestId: 'r-1',
    peer: '192.0.2.1',
    userAgent: '',
    deadline: Infinity,
    onDisconnect: () => undefined,
    ...details,
  });
