export { type Inventory, readInventory } from "./inventory.ts";
export { type ProvenTable, removeEverything } from "./uninstall.ts";
