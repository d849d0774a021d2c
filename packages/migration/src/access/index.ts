export { authenticate, createToken, type RefusedToken, revokeToken } from "./tokens.ts";
