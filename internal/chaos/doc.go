// Package chaos contains the fault tests: runs in processes of their own, on servers that are killed, over a network
// that is cut, with writers that record what they write. REKEY_CHAOS sets the total number of faults, and
// REKEY_CHAOS_SEED repeats a schedule. The same seed draws the same faults at the same times; their effect depends on
// the machine.
package chaos
