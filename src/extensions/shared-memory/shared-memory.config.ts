import { Bool, Int } from '../../config/keys.js';

/** Memory that callers on this machine share with the server. */
export class SharedMemoryConfig {
  @Bool('Whether callers may register shared memory of this machine, and have tensors read from it and written to it.')
  readonly ALLOW_CLIENT_SHM: boolean = false;

  @Int('How many regions of shared memory each caller may have registered at a time.', { min: 1, max: 1_048_576 })
  readonly SHM_MAX_REGIONS: number = 256;

  @Int('How many regions of shared memory all callers together may have; each is an open file.', {
    min: 1,
    max: 1_048_576,
  })
  readonly SHM_MAX_REGIONS_TOTAL: number = 1_024;
}
