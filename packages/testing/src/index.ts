export * from "./create-database.ts";
export * from "./native-available.ts";
export * from "./native-postgres.ts";
export * from "./native-redis.ts";
export * from "./wait-for.ts";
