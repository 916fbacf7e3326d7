package message

import "testing"

func TestCounted(t *testing.T) {
	for n, want := range map[int64]string{0: "0 rows", 1: "1 row", 999: "999 rows", 1000: "1,000 rows", 150_000: "150,000 rows", 1_234_567: "1,234,567 rows", -1234: "-1,234 rows"} {
		if got := Counted(n, "row", "rows"); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}
