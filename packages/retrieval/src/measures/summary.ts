import { bootstrapDifference, bootstrapMean, type Interval } from "./bootstrap.ts";

/** The measures of each query, in the order of the queries. */
export type MeasuredQueries<Name extends string> = readonly Record<Name, number>[];

/** The mean of each measure over all queries, with its interval. */
export function summarizeMeasures<Name extends string>(measures: MeasuredQueries<Name>): Record<Name, Interval> {
  return eachMeasure(measures, (name) => bootstrapMean(column(measures, name)));
}

/** The mean difference `candidate` minus `baseline` of each measure, paired by query. */
export function compareMeasures<Name extends string>(
  baseline: MeasuredQueries<Name>,
  candidate: MeasuredQueries<Name>,
): Record<Name, Interval> {
  return eachMeasure(baseline, (name) => bootstrapDifference(column(baseline, name), column(candidate, name)));
}

/** The values of one measure, one per query. */
export function column<Name extends string>(measures: MeasuredQueries<Name>, name: Name): number[] {
  return measures.map((of) => of[name]);
}

function eachMeasure<Name extends string>(
  [first]: MeasuredQueries<Name>,
  of: (name: Name) => Interval,
): Record<Name, Interval> {
  if (first === undefined) throw new RangeError("There is no query to summarize");
  const names = Object.keys(first) as Name[];
  return Object.fromEntries(names.map((name) => [name, of(name)])) as Record<Name, Interval>;
}
