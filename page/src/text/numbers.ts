// Numbers like those of the program: see src/report/numbers.rs.

/** Units, how many of them are a second, and the least time that has this unit, seconds. */
const UNITS: readonly (readonly [string, number, number])[] = [
  ['s', 1, 0.9995],
  ['ms', 1e3, 0.9995e-3],
  ['µs', 1e6, 0.9995e-6],
];

/** Returns nanoseconds with three significant digits, in the unit that suits them. */
export function duration(nanoseconds: number): string {
  if (nanoseconds === 0) return '0 s';
  const seconds = nanoseconds / 1e9;
  for (const [unit, number, least] of UNITS) {
    if (Math.abs(seconds) < least) continue;
    const value = seconds * number;
    const decimals = Math.abs(value) >= 99.95 ? 0 : Math.abs(value) >= 9.995 ? 1 : 2;
    return `${rounded(value, decimals)} ${unit}`;
  }
  return `${rounded(seconds * 1e9, 0)} ns`;
}

/** Returns a number of 0 or more. A half becomes the even digit, as the program rounds it. */
function rounded(value: number, decimals: number): string {
  const digits = value * 10 ** decimals;
  // A half is exact only in as many binary digits; then all of this is.
  const isHalf = Number.isInteger(value * 2 ** (decimals + 1)) && digits % 1 === 0.5;
  if (!isHalf) return value.toFixed(decimals);
  const even = 2 * Math.round(digits / 2);
  return (even / 10 ** decimals).toFixed(decimals);
}

/** Returns a growth, with its sign. */
export function signed(nanoseconds: number): string {
  if (Math.round(nanoseconds) === 0) return '0 s';
  return `${nanoseconds > 0 ? '+' : '−'}${duration(Math.abs(nanoseconds))}`;
}

/** Returns a mean of whole numbers. */
export function mean(number: number): string {
  return Number.isInteger(number) ? count(number) : rounded(number, 1);
}

/** Returns a whole number with its thousands marked. */
export function count(number: number): string {
  return number.toFixed(0).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** Returns a part of a whole: `12.34 %`. */
export function share(part: number, whole: number): string {
  return `${rounded(whole > 0 ? (100 * part) / whole : 0, 2)} %`;
}

export function counted(number: number, one: string, many: string): string {
  return `${count(number)} ${number === 1 ? one : many}`;
}
