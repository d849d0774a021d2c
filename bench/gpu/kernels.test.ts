import { expect, test } from "vitest";
import { readKernels } from "./kernels.ts";

test("kernels are read from the profiler's lines, whatever their unit, without their template's parameters", () => {
  const csv = [
    "==PROF== Connected to process 767",
    '"ID","Kernel Name","Metric Name","Metric Unit","Metric Value"',
    '"0","void flash::flash_fwd_kernel<half, 64>(Params)","gpu__time_duration.sum","us","1,268.5"',
    '"1","nvjet_sm90_hsh_256x128","gpu__time_duration.sum","ns","160"',
    "==PROF== Disconnected",
  ].join("\n");
  expect(readKernels(csv)).toEqual([
    { kernel: "flash::flash_fwd_kernel", ms: 1.2685 },
    { kernel: "nvjet_sm90_hsh_256x128", ms: 0.00016 },
  ]);
});
