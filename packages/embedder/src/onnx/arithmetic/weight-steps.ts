import { readFileSync } from "node:fs";

/**
 * Greatest size of a quantised weight that this CPU multiplies exactly. AVX2 adds two products of u8 and s8 in 16 bits,
 * which saturate: 255 · 64 · 2 still fits, and with 127 a tiny model's least cosine was 0.973 instead of 0.99. VNNI and
 * ARM add in 32 bits.
 */
export function exactWeightSteps(): 64 | 127 {
  if (process.arch !== "x64") return 127;
  if (process.platform !== "linux") return 64;
  return /\b(avx512_vnni|avx_vnni)\b/.test(readFileSync("/proc/cpuinfo", "utf8")) ? 127 : 64;
}
