package backfill

import (
	"testing"
	"time"
)

func TestSlowBatches(t *testing.T) {
	const target = 50 * time.Millisecond
	slow, fast := 3*time.Second, 80*time.Millisecond
	var d SlowBatches
	for n := range maxSlowBatches - 1 {
		if d.Record(0, slow, target) {
			t.Fatalf("reported after %d slow batches", n+1)
		}
	}
	if !d.Record(0, slow, target) {
		t.Error("not reported after enough slow batches")
	}
	if d.Record(0, slow, target) {
		t.Error("reported again at once")
	}
	for range 2 * maxSlowBatches { // with fast batches in between
		if d.Record(0, slow, target) || d.Record(0, fast, target) {
			t.Fatal("reported despite fast batches in between")
		}
	}
}

// Batches that reach their target with few rows are reported, batches that are merely small are not.
func TestSlowBatchesWithFewRows(t *testing.T) {
	const target = 50 * time.Millisecond
	var d SlowBatches
	for range 3 * maxSlowBatches {
		if d.Record(1000, 40*time.Millisecond, target) || d.Record(2, 4*time.Millisecond, target) || d.Record(100, 45*time.Millisecond, target) {
			t.Fatal("usual batches were reported")
		}
	}
	for n := range maxSlowBatches {
		if got := d.Record(10, 40*time.Millisecond, target); got != (n == maxSlowBatches-1) {
			t.Fatalf("batch %d: got %v", n, got)
		}
	}
	for range 3 * maxSlowBatches {
		if d.Record(10, 40*time.Millisecond, target) {
			t.Fatal("reported again after the inspection")
		}
	}
}

func TestIdleRounds(t *testing.T) {
	var i IdleRounds
	for n := range maxIdleRounds - 1 {
		if i.Record(0, true) {
			t.Fatalf("reported after %d rounds", n+1)
		}
	}
	if i.Record(0, false) || i.Record(0, true) {
		t.Error("reported although the rows are held")
	}
	for n := range maxIdleRounds {
		if got := i.Record(0, true); got != (n == maxIdleRounds-2) {
			t.Fatalf("round %d: got %v", n, got)
		}
	}
	i = IdleRounds{rounds: maxIdleRounds - 1}
	if i.Record(1, true) {
		t.Error("reported although a row was filled")
	}
}
