export { type DescribedOperation, expectDescribed, openDescription } from "./described-answers.ts";
export { allowedBody, changedBody } from "./described-bodies.ts";
export { listRoutes } from "./list-routes.ts";
export { readExample } from "./read-example.ts";
export { runSchemathesis, schemathesisUnavailable } from "./schemathesis.ts";
