import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyRequest } from 'fastify';

const INFERENCE = { inference: true };

/** Marks a route that runs inferences: it is refused, before its body is read, while the server has too much to do. */
export const InferenceRoute = () => RouteConfig(INFERENCE);

export const isInference = ({ routeOptions: { config } }: FastifyRequest): boolean =>
  (config as Partial<typeof INFERENCE>).inference === true;
