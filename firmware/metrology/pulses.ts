// What the meter's LED has to show of the energy that it booked.

/** A meter constant of 1 imp/kWh is a pulse for each million mWh. */
const MILLIWATT_HOURS_PER_KILOWATT_HOUR = 1_000_000;

/**
 * Pulses since the meter was made, from what its register stands at: an LED blinks as often as this
 * has grown since it was asked last. What is short of a pulse stays in the register, so none is ever
 * lost, not even over an outage. Whole and partial kWh apart keep the product a safe integer.
 */
export function pulsesOf(milliwattHours: number, impulsesPerKilowattHour: number): number {
  const kilowattHours = Math.floor(milliwattHours / MILLIWATT_HOURS_PER_KILOWATT_HOUR);
  const rest = milliwattHours - kilowattHours * MILLIWATT_HOURS_PER_KILOWATT_HOUR;
  const partial = Math.floor((rest * impulsesPerKilowattHour) / MILLIWATT_HOURS_PER_KILOWATT_HOUR);
  return kilowattHours * impulsesPerKilowattHour + partial;
}
