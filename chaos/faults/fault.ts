import type { FaultPlan } from '../plan';
import type { Place, Scene } from '../scene';

/** Begins a fault; resolves to what ends it. */
export type Fault = (scene: Scene, plan: FaultPlan) => Promise<() => Promise<void> | void>;

/** Where a fault strikes. */
export function placesOf({ places }: Scene, { slots }: FaultPlan): Place[] {
  return slots.map((slot) => places[slot]);
}
