export { askFor, describeOpenTask, describeTask } from "./describe-task.ts";
export { type Performing, runTasks } from "./run-tasks.ts";
