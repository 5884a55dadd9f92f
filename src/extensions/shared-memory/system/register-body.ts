import { IsInt, IsOptional, IsString, Min } from '../../../config/class-validator.js';

/** The body of a request that registers system shared memory. */
export class RegisterBody {
  @IsString({ message: "Unable to parse 'key': expected a string" })
  key = undefined as unknown as string;

  @IsOptional()
  @IsInt({ message: "Unable to parse 'offset': expected an integer" })
  @Min(0, { message: "Unable to parse 'offset': expected an integer >= 0" })
  offset: number | undefined = undefined;

  @IsInt({ message: "Unable to parse 'byte_size': expected an integer" })
  @Min(0, { message: "Unable to parse 'byte_size': expected an integer >= 0" })
  byte_size = undefined as unknown as number;
}
