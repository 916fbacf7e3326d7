package main

import (
	"context"
	"slices"
)

// variant is one way to migrate the table, or not to.
type variant struct {
	name    string
	traffic bool
	bursts  bool // the traffic has bursts
	idle    bool // the variant migrates nothing
	carry   func(ctx context.Context, s *site) (outcome, error)
}

// outcome contains measurements that only the way itself can make.
type outcome struct {
	locks  *Locks
	steps  []Step
	marks  []mark // the ends of its phases
	memory int64  // peak memory, in bytes
}

// The names of the other measurements.
const (
	insertsName   = "inserts"
	functionsName = "functions"
	quietSuffix   = "-quiet"
	burstSuffix   = "-burst"
)

// variants returns all runs in their order: those with traffic, then those without. The one that migrates nothing
// comes after rekey, since it takes as long.
func variants() []variant {
	ways := []variant{
		{name: "a-own", carry: offline(plpgsqlFunction)},
		{name: "a-rekey", carry: offline(rekeyFunction)},
		{name: "b", carry: batched},
		{name: "c-normal", carry: up(order{Pace: "normal"})},
		{name: "c-full", carry: up(order{Pace: "full"})},
		{name: "c-normal-ordered", carry: up(order{Pace: "normal", Ordered: true})},
		{name: "c-full-ordered", carry: up(order{Pace: "full", Ordered: true})},
	}
	var all []variant
	for _, way := range ways {
		way.traffic = true
		all = append(all, way)
	}
	all = append(all,
		variant{name: "d", traffic: true, idle: true, carry: idle},
		variant{name: "c-normal" + burstSuffix, traffic: true, bursts: true, carry: up(order{Pace: "normal"})},
		variant{name: "c-normal-ordered" + burstSuffix, traffic: true, bursts: true, carry: up(order{Pace: "normal", Ordered: true})},
		variant{name: "d" + burstSuffix, traffic: true, bursts: true, idle: true, carry: idle},
	)
	for _, way := range ways {
		way.name += quietSuffix
		all = append(all, way)
	}
	return all
}

// scaled reports whether a run is repeated at every size, to show that its costs do not depend on the size.
func (v variant) scaled() bool {
	return slices.Contains([]string{"c-normal", "c-full" + quietSuffix, "c-full-ordered" + quietSuffix}, v.name)
}

func names() []string {
	var all []string
	for _, v := range variants() {
		all = append(all, v.name)
	}
	for _, a := range zoo() {
		all = append(all, forecastName+"-"+a.name)
	}
	return append(append(all, forecastName, insertsName, functionsName, tenantsName, smallName, linkName), citusNames()...)
}

// idle migrates nothing for as long as rekey took.
func idle(ctx context.Context, s *site) (outcome, error) { return outcome{}, rest(ctx, s.idle()) }
