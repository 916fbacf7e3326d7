package phoenixkit_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/internal/step/steptest"
	"github.com/rekey-pg/rekey/phoenixkit"
	"github.com/rekey-pg/rekey/problem"
)

// state is one in which a database may be found, and what it must end in: whole, or refused with
// nothing changed.
type state struct {
	name   string
	size   string // of the house; small where nothing is said, risen for the way down
	prefix string // public where nothing is said
	first  string // the setup before up, where down is on trial
	setup  string // as superuser; {owner} and so on are the roles
	before func(*house)
	role   string                    // that rekey runs as; the owner where nothing is said
	option func(*phoenixkit.Options) // what else is asked for
	down   bool                      // after up and setup, the way down is on trial
	since  int                       // the major version that brought what the state is about

	code  string // of the refusal; "" ends whole
	kind  error  // of the refusal: ErrRefused where nothing is said
	table string // that the refusal names
	says  string // what its text names
	stays bool   // whole, and not to be taken back afterwards
	then  func(*house)
}

// states are all of them, in the order of the list of found states.
func states() []state {
	return slices.Concat(tableStates(), columnStates(), nameStates(), roleStates(), functionStates(),
		writeStates(), versionStates(), attachedStates(), foundStates())
}

type outcome struct {
	ends string
	exit int
}

// TestStates tries each on real servers and prints what it ends in. What is refused is refused before the server's version can
// matter: the oldest and the newest will do, but where others are asked for.
func TestStates(t *testing.T) {
	var mu sync.Mutex
	seen := map[string]map[int]outcome{}
	servertest.Each(t, func(t *testing.T, c *server.Cluster) {
		for _, s := range states() {
			if c.Major < s.since {
				continue // what the state is about is not there
			}
			if s.code != "" && s.since == 0 && !servertest.IsOldestOrNewest(t, c) {
				continue
			}
			t.Run(s.name, func(t *testing.T) {
				t.Parallel()
				end := s.try(t, c)
				mu.Lock()
				defer mu.Unlock()
				if seen[s.name] == nil {
					seen[s.name] = map[int]outcome{}
				}
				if _, twice := seen[s.name][c.Major]; twice {
					t.Errorf("two states are called %q", s.name)
				}
				seen[s.name][c.Major] = end
			})
		}
	})
	t.Log("\n" + printed(seen))
}

// printed is a line a state, and one more where the versions differ.
func printed(seen map[string]map[int]outcome) string {
	var lines strings.Builder
	fmt.Fprintf(&lines, "%-76s %-58s %-4s %s\n", "state", "ends", "exit", "PostgreSQL")
	for _, s := range states() {
		var ends []outcome
		on := map[outcome][]string{}
		for _, major := range []int{13, 14, 15, 16, 17, 18} {
			if end, ok := seen[s.name][major]; ok {
				if on[end] == nil {
					ends = append(ends, end)
				}
				on[end] = append(on[end], fmt.Sprint(major))
			}
		}
		for _, end := range ends {
			fmt.Fprintf(&lines, "%-76s %-58s %-4d %s\n", s.name, end.ends, end.exit, strings.Join(on[end], " "))
		}
	}
	return lines.String()
}

func (s state) try(t *testing.T, c *server.Cluster) outcome {
	size := or(s.size, small)
	if s.down && s.first == "" {
		size = risen
	}
	h := build(t, c, size)
	s.role, s.prefix = or(s.role, owner), or(s.prefix, "public")
	if s.first != "" {
		h.set(s.first)
		if _, err := h.up(owner); err != nil {
			t.Fatal(err)
		}
	}
	h.set(s.setup)
	if s.before != nil {
		s.before(h)
	}
	if s.code != "" {
		return s.refused(h)
	}
	if s.down {
		return s.goesDown(h)
	}
	return s.goesUp(h)
}

func or(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}

func (s state) options(o *phoenixkit.Options) {
	o.Prefix = s.prefix
	if s.option != nil {
		s.option(o)
	}
}

// refused: exit 4, named, and nothing changed: no schema rekey either.
func (s state) refused(h *house) outcome {
	h.t.Helper()
	before := h.everything(s.prefix)
	way := h.up
	if s.down {
		way = h.down
	}
	result, err := way(s.role, s.options)
	if s.kind == nil {
		s.kind = problem.ErrRefused
	}
	if !errors.Is(err, s.kind) {
		h.t.Fatalf("not refused: %v", err)
	}
	if diff := cmp.Diff(before, h.everything(s.prefix)); diff != "" {
		h.t.Errorf("refused, and changed (-before +after)\n%s", diff)
	}
	var codes []string
	for _, p := range result.Problems {
		codes = append(codes, p.Code+" "+p.Table)
		if p.Code == s.code && p.Table == s.table && strings.Contains(p.Error()+" "+p.Hint, filled(s.says)) {
			if p.Hint == "" {
				h.t.Error("a refusal without a hint")
			}
			return outcome{strings.TrimSpace(map[bool]string{true: "refused: ", false: "differs: "}[errors.Is(s.kind, problem.ErrRefused)] + p.Code + " " + p.Table + " " + filled(s.says)), result.Exit}
		}
	}
	h.t.Fatalf("refused with %v, not %s %s %s: %v", codes, s.code, s.table, s.says, err)
	return outcome{}
}

// goesUp: whole and proved, again with nothing to do, and given back as it was found.
func (s state) goesUp(h *house) outcome {
	h.t.Helper()
	before := h.shape(s.prefix)
	result, err := h.up(s.role, s.options)
	if err != nil {
		h.t.Fatal(err)
	}
	if result.NothingToDo && !s.stays {
		h.t.Error("up found nothing to do")
	}
	if _, err := phoenixkit.Verify(h.t.Context(), h.pool(s.role), phoenixkit.Options{Prefix: s.prefix}); err != nil {
		h.t.Errorf("verify: %v", err)
	}
	if again, err := h.up(s.role, s.options); err != nil || !again.NothingToDo {
		h.t.Errorf("up again: %+v, %v", again, err)
	}
	if s.then != nil {
		s.then(h)
	}
	if s.stays {
		return outcome{"whole", result.Exit}
	}
	s.takenBack(h, before)
	return outcome{"whole; down gives it back as found", result.Exit}
}

func (s state) goesDown(h *house) outcome {
	h.t.Helper()
	result, err := h.down(s.role, s.options)
	if err != nil {
		h.t.Fatal(err)
	}
	if s.then != nil {
		s.then(h)
	}
	return outcome{"down", result.Exit}
}

func (s state) takenBack(h *house, before []string) {
	h.t.Helper()
	for i := range 2 {
		if result, err := h.down(s.role, s.options); err != nil || result.NothingToDo != (i == 1) {
			h.t.Errorf("down: %+v, %v", result, err)
		}
	}
	if diff := cmp.Diff(before, h.shape(s.prefix)); diff != "" {
		h.t.Errorf("not as it was found (-before +after)\n%s", diff)
	}
}

// everything is what no refusal may change.
func (h *house) everything(prefix string) []string {
	h.t.Helper()
	lines, err := steptest.Everything(h.t.Context(), h.admin, prefix)
	if err != nil {
		h.t.Fatal(err)
	}
	return lines
}

// shape is what down gives back: all but the recorded version, which is 39, and the values of a column
// that was found.
func (h *house) shape(prefix string) []string {
	h.t.Helper()
	lines, err := steptest.Shape(h.t.Context(), h.admin, prefix, "uuid")
	if err != nil {
		h.t.Fatal(err)
	}
	return slices.DeleteFunc(lines, func(line string) bool {
		return strings.HasPrefix(line, "comment table ") && strings.Contains(line, "phoenix_kit: ")
	})
}
