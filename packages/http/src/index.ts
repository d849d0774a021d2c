export { equalSecrets } from "./equal-secrets.ts";
export { type HostAddress, matchAddresses, requireLoopbackHost, resolveHost } from "./hosts.ts";
export { limitRate } from "./limit-rate.ts";
export {
  type ApiDescription,
  type ApiOperation,
  type ApiResponse,
  describedDocument,
  describedHealth,
  describeProblem,
  describeRequest,
  describeServer,
  type JsonSchema,
  jsonOf,
  problemSchema,
  retryAfterHeader,
  schemaRef,
} from "./openapi.ts";
export { answerHealth, answerOperations, type OperationsOptions, startOperations } from "./operations.ts";
export { clientErrorStatus, sendProblemDocument, titleOf } from "./problem-document.ts";
export { sharedPublicFolder } from "./public-files.ts";
export { securityHeaders } from "./security-headers.ts";
export { serveApp } from "./serve-app.ts";
