package main

import (
	"context"
	"slices"
)

// variant is one way to bring the table to its goal, or to leave it as it is.
type variant struct {
	name    string
	traffic bool
	idle    bool // there is no goal to be reached
	carry   func(ctx context.Context, s *site) (outcome, error)
}

// outcome is what only the way itself can tell of its run.
type outcome struct {
	locks  *Locks
	steps  []Step
	memory int64 // bytes
}

// The names of what is measured beside the variants.
const (
	insertsName   = "inserts"
	functionsName = "functions"
	quietSuffix   = "-quiet"
)

// variants gives every run in its order: those with traffic, then those without. The one that migrates
// nothing comes after the others, since it takes as long as rekey did.
func variants() []variant {
	ways := []variant{
		{name: "a-own", carry: offline(ownFunction)},
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
	all = append(all, variant{name: "d", traffic: true, idle: true, carry: idle})
	for _, way := range ways {
		way.name += quietSuffix
		all = append(all, way)
	}
	return all
}

// scaled tells whether a run is repeated on every size: what shall not depend on the size is read off it.
func (v variant) scaled() bool {
	return slices.Contains([]string{"c-normal", "c-full" + quietSuffix, "c-full-ordered" + quietSuffix}, v.name)
}

func names() []string {
	var all []string
	for _, v := range variants() {
		all = append(all, v.name)
	}
	return append(all, insertsName, functionsName, tenantsName, smallName)
}

// idle migrates nothing for as long as rekey took.
func idle(ctx context.Context, s *site) (outcome, error) { return outcome{}, rest(ctx, s.idle()) }
