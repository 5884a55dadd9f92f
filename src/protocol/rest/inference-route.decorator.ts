import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyRequest } from 'fastify';

interface InferenceRouteOptions {
  /** Whether its bodies come as they are, in no coding. Default: false. */
  readonly plainBody?: boolean;
}

const INFERENCE = { inference: true };

/** Marks a route that runs inferences: it is refused, before its body is read, while the server has too much to do. */
export const InferenceRoute = (options: InferenceRouteOptions = {}) => RouteConfig({ ...INFERENCE, ...options });

export const isInference = ({ routeOptions: { config } }: FastifyRequest): boolean =>
  (config as Partial<typeof INFERENCE>).inference === true;

export const takesPlainBodies = ({ routeOptions: { config } }: FastifyRequest): boolean =>
  (config as InferenceRouteOptions).plainBody === true;
