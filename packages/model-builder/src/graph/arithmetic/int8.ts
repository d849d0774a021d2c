import type { Arithmetic, ValueRange } from "./arithmetic.ts";
import { quantizeColumns, quantizeRows } from "./quantize.ts";
import { exactWeightSteps } from "./weight-steps.ts";

const weightSteps = exactWeightSteps();

/**
 * Weights as int8 with a scale per output, values as uint8 with a scale per token: the types that VNNI and AMX multiply
 * (signed values are far slower: 57 tok/s instead of 477). One scale for all tokens of a run would be 5 % faster, but a
 * text's vector would then depend on the other texts, and one large value would cost every token its precision.
 *
 * Apart from attention and products, the time goes into passes that read and write all values. So the operators are those
 * that take ONNX Runtime the fewest nanoseconds per value at 512 tokens: ReduceMax and ReduceMin for the size of a row
 * (0.5; Abs alone takes 2.4), QuantizeLinear with a scale per row (0.3; with a division before it 0.9). The output of GELU
 * is not shifted to be positive (0.6): the zero point leaves room for its least value.
 */
export const int8Arithmetic: Arithmetic = {
  elementType: "float32",

  operand(graph, values, range, width) {
    const { steps, zeroPoint, leastSize } = quantizationOf(range);
    const rows = { axes: { ints: [-1] } };
    const highest = graph.add("ReduceMax", [values], rows);
    // The least value of GELU is known, and the zero point leaves room for it: no ReduceMin is needed.
    const sizes = range === "gelu" ? [highest] : [highest, graph.add("Neg", [graph.add("ReduceMin", [values], rows)])];
    const size = graph.add("Max", [...sizes, graph.scalar(leastSize)]);
    const scale = graph.add("Mul", [size, graph.scalar(1 / steps)]);
    const flat = graph.add("Reshape", [values, graph.constant(new BigInt64Array([-1n, BigInt(width)]), [2])]);
    const scales = graph.add("Reshape", [scale, graph.integers(-1)]);
    const zeroPoints = graph.add("Expand", [graph.constant(new Uint8Array([zeroPoint])), graph.add("Shape", [scales])]);
    const quantized = graph.add("QuantizeLinear", [flat, scales, zeroPoints], { axis: { int: 0 } });
    return { values: graph.add("Reshape", [quantized, graph.add("Shape", [values])]), scale, range };
  },

  async product(graph, { values, scale = "", range }, linear) {
    const { name, inputs, outputs } = linear;
    const { zeroPoint } = quantizationOf(range);
    const quantized = quantizeColumns(linear.weight, outputs, weightSteps);
    const matrix = await graph.weight(`${name}.weight`, [inputs, outputs], quantized.values);
    const scales = await graph.weight(`${name}.scales`, [outputs], quantized.scales);
    const relative = graph.add("com.microsoft.MatMulIntegerToFloat", [
      values,
      matrix,
      graph.scalar(1),
      scales,
      graph.constant(new Uint8Array([zeroPoint])),
    ]);
    const product = graph.add("Mul", [relative, scale]);
    if (linear.bias === undefined) return product;
    return graph.add("Add", [product, await graph.weight(`${name}.bias`, [outputs], linear.bias)]);
  },

  async lookup(graph, table, ids) {
    const { name, rows, columns } = table;
    const scales = new Float32Array(rows);
    const values = await graph.weight(name, [rows, columns], quantizeRows(table, scales));
    const factors = await graph.weight(`${name}.scales`, [rows, 1], scales);
    const found = graph.add("Cast", [graph.add("Gather", [values, ids])], { to: { elementType: "float32" } });
    return graph.add("Mul", [found, graph.add("Gather", [factors, ids])]);
  },
};

/** How the values of a row become uint8: the largest absolute value lies `steps` steps from the zero point. */
function quantizationOf(range: ValueRange): { steps: number; zeroPoint: number; leastSize: number } {
  if (range === "any") return { steps: 127, zeroPoint: 128, leastSize: 1e-30 };
  return { steps: 218, zeroPoint: 37, leastSize: 1 };
}
