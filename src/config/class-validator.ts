import { createRequire } from 'node:module';
import type * as ClassValidator from 'class-validator';

/**
 * What this server uses of class-validator, each from its own file. The package as a whole loads 320 modules, with all
 * that it knows of telephone numbers: a tenth of a second at each start, and 15 MB. Decorators from either place
 * share their metadata, so `import { IsEmail } from 'class-validator'` works beside these.
 */

type Library = typeof ClassValidator;

const load = createRequire(import.meta.url);
const decorator = (file: string): Library => load(`class-validator/cjs/decorator/${file}.js`) as Library;

export const { ArrayNotEmpty } = decorator('array/ArrayNotEmpty');
export const { ArrayUnique } = decorator('array/ArrayUnique');
export const { isIn } = decorator('common/IsIn');
export const { IsOptional } = decorator('common/IsOptional');
export const { ValidateBy } = decorator('common/ValidateBy');
export const { max } = decorator('number/Max');
export const { Min, min } = decorator('number/Min');
export const { Matches } = decorator('string/Matches');
export const { IsBoolean, isBoolean } = decorator('typechecker/IsBoolean');
export const { IsInt, isInt } = decorator('typechecker/IsInt');
export const { IsObject } = decorator('typechecker/IsObject');
export const { IsString, isString } = decorator('typechecker/IsString');

const { Validator } = load('class-validator/cjs/validation/Validator.js') as Library;
const validator = new Validator();

/** Checks an object against the decorators of its class; answers with what is wrong. */
export const validateSync = (
  object: object,
  options?: ClassValidator.ValidatorOptions,
): ClassValidator.ValidationError[] => validator.validateSync(object, options);
