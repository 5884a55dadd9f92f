/** Between the clock of `performance.now()` and the system's own, which all processes of a machine share. */
const OFFSET = process.hrtime.bigint() - BigInt(Math.round(performance.now() * 1e6));

/** A moment of `performance.now()` in nanoseconds of the system's monotonic clock, as other servers trace. */
export const nanoseconds = (moment: number): bigint => OFFSET + BigInt(Math.round(moment * 1e6));
