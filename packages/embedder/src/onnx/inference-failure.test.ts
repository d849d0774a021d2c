import { expect, test } from "vitest";
import { failureCode } from "./inference-failure.ts";

test.each([
  ["Failed to allocate memory for requested buffer of size 805306368", "out_of_memory"],
  ["CUDA failure 2: out of memory ; GPU=0 ; hostname=gpu ; file=cuda_allocator.cc ; line=48", "out_of_memory"],
  ["CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED ; GPU=0", "out_of_memory"],
  ["CUDA failure 700: an illegal memory access was encountered ; GPU=0 ; hostname=gpu", "device_failed"],
  ["CUDA failure 719: unspecified launch failure ; GPU=1 ; expr=cudaStreamSynchronize(stream)", "device_failed"],
  ["CUBLAS failure 13: the GPU program failed to execute ; GPU=0", "device_failed"],
  ["Non-zero status code returned while running Gather node. indices element out of data bounds", "inference_failed"],
])("%s: %s", (message, code) => {
  expect(failureCode(message, "inference_failed")).toBe(code);
});
