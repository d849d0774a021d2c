export { equalSecrets } from "./equal-secrets.ts";
export { type HostAddress, matchAddresses, requireLoopbackHost, resolveHost } from "./hosts.ts";
export { limitRate } from "./limit-rate.ts";
export { answerHealth, answerOperations, type OperationsOptions, startOperations } from "./operations.ts";
export { clientErrorStatus, sendProblemDocument, titleOf } from "./problem-document.ts";
export { sharedPublicFolder } from "./public-files.ts";
export { securityHeaders } from "./security-headers.ts";
export { serveApp } from "./serve-app.ts";
