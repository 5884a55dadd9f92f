import { type CanActivate, Injectable, NotFoundException } from '@nestjs/common';
import { KserveV1Config } from './kserve-v1.config.js';

/** Answers as if the routes were not there, where the configuration switches them off. */
@Injectable()
export class KserveV1Guard implements CanActivate {
  constructor(private readonly config: KserveV1Config) {}

  canActivate(): true {
    if (!this.config.KSERVE_V1) throw new NotFoundException();
    return true;
  }
}
