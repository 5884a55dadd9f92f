/** Whether heavy tests run with all they claim, as `FAULTS=full` asks, or with a part that makes the same point. */
export const FULL_SCALE = process.env['FAULTS'] === 'full';

/** The whole number at full scale, and the part of it otherwise. */
export const atScale = (whole: number, part: number): number => (FULL_SCALE ? whole : part);
