package screen

import (
	"slices"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/internal/visible"
)

// NextPhase returns the command, without its scope, that completes what a status shows as begun; "" if nothing is begun and incomplete.
func NextPhase(s rekey.Status) string {
	begun := func(state rekey.State) bool { return state == rekey.Pending || state == rekey.Incomplete }
	tables := slices.ContainsFunc(s.Tables, func(t rekey.TableStatus) bool { return begun(t.State) })
	edges := slices.ContainsFunc(s.Edges, func(e rekey.Edge) bool { return begun(e.State) })
	keys := slices.ContainsFunc(s.Keys, func(k rekey.Key) bool { return begun(k.State) })
	switch ended, left := endings(s); {
	case s.VerifyOnly || len(s.Refusals) > 0:
		return ""
	case ended && left:
		return "rekey up --to contracted --confirm " + visible.Word(s.Schema)
	case keys || len(s.Keys) > 0 && (edges || tables):
		return "rekey up --to switched"
	case edges || len(s.Edges) > 0 && tables:
		return "rekey up --to linked"
	}
	return ""
}

// endings reports whether some integers have ended, and whether some are left.
func endings(s rekey.Status) (ended, left bool) {
	count := func(skipped, contracted bool) {
		ended, left = ended || contracted, left || !contracted && !skipped
	}
	for _, e := range s.Edges {
		count(e.State == rekey.Skipped || e.State == rekey.Refused, e.Progress == rekey.EdgeContracted)
	}
	for _, k := range s.Keys {
		count(k.State == rekey.Skipped || k.State == rekey.Refused, k.Progress == rekey.KeyContracted)
	}
	return ended, left
}
