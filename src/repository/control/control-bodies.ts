import { IsBoolean, IsObject, IsOptional } from '../../config/class-validator.js';

/** The body of a request for the index. */
export class IndexBody {
  @IsOptional()
  @IsBoolean({ message: "Invalid value for 'ready': expected a boolean" })
  ready?: boolean | undefined = undefined;
}

/** The body of a load or unload. */
export class ControlBody {
  @IsOptional()
  @IsObject({ message: "Invalid value for 'parameters': expected an object" })
  parameters?: Readonly<Record<string, unknown>> | undefined = undefined;
}
