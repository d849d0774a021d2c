import { expect, test } from "vitest";
import { linkedCuda, missingOf } from "./cuda-files.ts";

const ldd = `
	linux-vdso.so.1 (0x00007f3b1f400000)
	libcublasLt.so.13 => not found
	libcublas.so.13 => /opt/cuda/lib64/libcublas.so.13 (0x00007f3b1be00000)
	libcurand.so.10 => not found
	libcuda.so.1 => not found
`;

test("the CUDA version is read from the provider's file, and the missing libraries from the loader's output", () => {
  expect(linkedCuda("\0libcurand.so.10\0libcublasLt.so.12\0")).toBe(12);
  expect(linkedCuda(ldd)).toBe(13);
  expect(linkedCuda("\0libm.so.6\0")).toBeUndefined();
  expect(missingOf(ldd)).toEqual(["libcublasLt.so.13", "libcurand.so.10"]);
});
