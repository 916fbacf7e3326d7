package backfill

import (
	"testing"
	"time"
)

func TestDoubt(t *testing.T) {
	const target = 50 * time.Millisecond
	slow, good := 3*time.Second, 80*time.Millisecond
	var d Doubt
	for n := range slowBatches - 1 {
		if d.Note(slow, target) {
			t.Fatalf("doubt after %d slow batches", n+1)
		}
	}
	if !d.Note(slow, target) {
		t.Error("no doubt after enough of them")
	}
	if d.Note(slow, target) {
		t.Error("doubt again at once")
	}
	for range 2 * slowBatches { // a good one in between
		if d.Note(slow, target) || d.Note(good, target) {
			t.Fatal("doubt although batches keep to their target in between")
		}
	}
}

func TestIdle(t *testing.T) {
	var i Idle
	for n := range idleRounds - 1 {
		if i.Note(0, true) {
			t.Fatalf("doubt after %d rounds", n+1)
		}
	}
	if i.Note(0, false) || i.Note(0, true) {
		t.Error("rows that somebody holds are no reason for doubt")
	}
	for n := range idleRounds {
		if got := i.Note(0, true); got != (n == idleRounds-2) {
			t.Fatalf("round %d: %v", n, got)
		}
	}
	i = Idle{rounds: idleRounds - 1}
	if i.Note(1, true) {
		t.Error("doubt although a row was filled")
	}
}
