// Numbers like those of the program: see src/report/numbers.rs.

const UNITS: readonly (readonly [string, number])[] = [
  ['s', 1e9],
  ['ms', 1e6],
  ['µs', 1e3],
];

/** Returns nanoseconds with three significant digits, in the unit that suits them. */
export function duration(nanoseconds: number): string {
  if (nanoseconds === 0) return '0 s';
  for (const [unit, size] of UNITS) {
    const value = nanoseconds / size;
    if (Math.abs(value) < 0.9995) continue;
    const decimals = Math.abs(value) >= 99.95 ? 0 : Math.abs(value) >= 9.995 ? 1 : 2;
    return `${value.toFixed(decimals)} ${unit}`;
  }
  return `${nanoseconds.toFixed(0)} ns`;
}

/** Returns a growth, with its sign. */
export function signed(nanoseconds: number): string {
  if (Math.round(nanoseconds) === 0) return '0 s';
  return `${nanoseconds > 0 ? '+' : '−'}${duration(Math.abs(nanoseconds))}`;
}

/** Returns a mean of whole numbers. */
export function mean(number: number): string {
  return Number.isInteger(number) ? count(number) : `${number.toFixed(1)}`;
}

/** Returns a whole number with its thousands marked. */
export function count(number: number): string {
  return number.toFixed(0).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** Returns a part of a whole: `12.34 %`. */
export function share(part: number, whole: number): string {
  return `${(whole > 0 ? (100 * part) / whole : 0).toFixed(2)} %`;
}

export function counted(number: number, one: string, many: string): string {
  return `${count(number)} ${number === 1 ? one : many}`;
}
