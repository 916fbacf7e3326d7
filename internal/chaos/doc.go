// Package chaos holds the fault tests: whole runs in processes of their own, on servers that are killed,
// over a network that is cut, under writers that keep their own record of what they wrote.
//
// REKEY_CHAOS says how many faults there are to be in all, REKEY_CHAOS_SEED repeats a schedule. The same
// seed draws the same faults for the same moments; what they meet there is up to the machine.
package chaos
