/** What is known of unit types (§6). */

import { CRITICAL_TYPES, UNIT_NAMES } from "./registry.js";

/** Whether this reader knows what is in units of a type. */
export const isKnownType = (type: number): boolean => type in UNIT_NAMES;

/** Whether the text makes units of a known type critical. */
export const isCriticalType = (type: number): boolean => CRITICAL_TYPES.has(type);

/** The registered name of a unit type, or its number. */
export const unitTypeName = (type: number): string => UNIT_NAMES[type] ?? `type-${type}`;
