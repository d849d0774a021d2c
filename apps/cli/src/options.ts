import { userInfo } from "node:os";
import { environmentName, guardrailName } from "@reembed/store/rollout";
import { InvalidArgumentError, Option } from "commander";

/** Parses an option's value as a number within bounds. */
export function numberBetween(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== "" && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It must be a number from ${least} to ${most}.`);
  };
}

/** Parses an option's value as a whole number. */
export function wholeNumberFrom(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= least) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${least}.`);
  };
}

/** Parses an option's value as a share: `10%` becomes 0.1. The sign is part of it, so that nobody means a tenth by 0.1. */
export function share(text: string): number {
  const percent = Number(/^(\d+(?:\.\d+)?) ?%$/.exec(text)?.[1]);
  if (percent > 0 && percent <= 100) return percent / 100;
  throw new InvalidArgumentError("It must be a share such as 10%, more than 0 % and at most 100 %.");
}

/** Parses the number of a port to listen on; 0 takes a free port. */
export function portNumber(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535)
    throw new InvalidArgumentError("It must be a whole number from 0 to 65535.");
  return port;
}

/** The user who runs this. In a container it may be a number that has no entry in passwd and so no name. */
export function operatorName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? "unknown"}`;
  }
}

/** Two names are reserved for Reembed itself, so that its changes can be told from those of people. */
export function person(name: string): string {
  if (name !== guardrailName && name !== environmentName) return name;
  throw new InvalidArgumentError("It must be the name of a person.");
}

/** The option `--wait` of commands that keep running. */
export function waitOption(): Option {
  return new Option(
    "--wait <seconds>",
    "how long to wait for servers that are not available at the start; 0 fails at once",
  )
    .argParser(wholeNumberFrom(0))
    .default(60);
}
