package backfill

import (
	"testing"
	"time"
)

func TestDoubt(t *testing.T) {
	const target = 50 * time.Millisecond
	slow, good := 3*time.Second, 80*time.Millisecond
	var d SlowBatches
	for n := range maxSlowBatches - 1 {
		if d.Record(0, slow, target) {
			t.Fatalf("doubt after %d slow batches", n+1)
		}
	}
	if !d.Record(0, slow, target) {
		t.Error("no doubt after enough of them")
	}
	if d.Record(0, slow, target) {
		t.Error("doubt again at once")
	}
	for range 2 * maxSlowBatches { // a good one in between
		if d.Record(0, slow, target) || d.Record(0, good, target) {
			t.Fatal("doubt although batches keep to their target in between")
		}
	}
}

// TestDoubtOfFewRows: batches that keep to their target with few rows are doubted, those that are merely small are not.
func TestDoubtOfFewRows(t *testing.T) {
	const target = 50 * time.Millisecond
	var d SlowBatches
	for range 3 * maxSlowBatches {
		if d.Record(1000, 40*time.Millisecond, target) || d.Record(2, 4*time.Millisecond, target) || d.Record(100, 45*time.Millisecond, target) {
			t.Fatal("doubt of usual batches")
		}
	}
	for n := range maxSlowBatches {
		if got := d.Record(10, 40*time.Millisecond, target); got != (n == maxSlowBatches-1) {
			t.Fatalf("batch %d: %v", n, got)
		}
	}
	for range 3 * maxSlowBatches {
		if d.Record(10, 40*time.Millisecond, target) {
			t.Fatal("doubt again, of what has been inspected")
		}
	}
}

func TestIdle(t *testing.T) {
	var i IdleRounds
	for n := range maxIdleRounds - 1 {
		if i.Record(0, true) {
			t.Fatalf("doubt after %d rounds", n+1)
		}
	}
	if i.Record(0, false) || i.Record(0, true) {
		t.Error("rows that somebody holds are no reason for doubt")
	}
	for n := range maxIdleRounds {
		if got := i.Record(0, true); got != (n == maxIdleRounds-2) {
			t.Fatalf("round %d: %v", n, got)
		}
	}
	i = IdleRounds{rounds: maxIdleRounds - 1}
	if i.Record(1, true) {
		t.Error("doubt although a row was filled")
	}
}
