package message

import "testing"

func TestNearest(t *testing.T) {
	commands := []string{"up", "down", "plan", "status", "verify", "version", "completion"}
	for word, want := range map[string]string{
		"pln": "plan", "plna": "plan", "PLAN": "plan", "stat": "status", "verfy": "verify", "dwon": "down", "pu": "up",
		"versoin": "version", "demonstrate": "", "x": "", "": "",
	} {
		if got := Nearest(word, commands); got != want {
			t.Errorf("Nearest(%q) is %q, want %q", word, got, want)
		}
	}
}
