import type { FaultPlan } from '../plan';
import type { Place, Scene } from '../scene';

/** Begins a fault. Resolves to a function that ends it. */
export type Fault = (scene: Scene, plan: FaultPlan) => Promise<() => Promise<void> | void>;

/** The places that a fault affects. */
export function placesOf({ places }: Scene, { slots }: FaultPlan): Place[] {
  return slots.map((slot) => places[slot]);
}
