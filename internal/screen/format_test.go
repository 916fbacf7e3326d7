package screen

import (
	"testing"
	"time"

	"github.com/rekey-pg/rekey/internal/history"
)

func TestFormats(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{Count(0), "0"},
		{Count(999), "999"},
		{Count(1000), "1,000"},
		{Count(-1234567), "-1,234,567"},
		{short(999), "999"},
		{short(1234), "1.23k"},
		{short(123_456), "123k"},
		{short(2e12), "2.00T"},
		{Bytes(0), "0 B"},
		{Bytes(8192), "8.0 kB"},
		{Bytes(123 << 20), "123 MB"},
		{Bytes(5 << 40), "5120 GB"},
		{Bytes(50 << 40), "50.0 TB"},
		{FormatDuration(-time.Second), "0 s"},
		{FormatDuration(time.Microsecond), "<1 ms"},
		{FormatDuration(42 * time.Millisecond), "42 ms"},
		{FormatDuration(1290 * time.Millisecond), "1.2 s"},
		{FormatDuration(59 * time.Second), "59 s"},
		{FormatDuration(185 * time.Second), "3 min 5 s"},
		{FormatDuration(130 * time.Minute), "2 h 10 min"},
		{padOrTrim("phoenix_kit_users", 8), "…t_users"},
		{padOrTrim("ab", 4), "ab  "},
		{truncate("abcdef", 4), "abc…"},
		{truncate("abcd", 4), "abcd"},
		{truncate("漢字漢字", 4), "漢…"},
		{truncate("abc", 0), ""},
		{padOrTrim("漢字漢字", 4), "… 字"},
		{padOrTrim("漢字", 5), "漢字 "},
		{clean("a\x1b[2Jb"), `a\x1b[2Jb`},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestVersions(t *testing.T) {
	for _, c := range []struct {
		from, to int
		down     bool
		want     string
	}{
		{39, 40, false, "version 39 to 40"},
		{40, 39, true, "version 40 to 39"},
		{44, 40, false, "version 44, which stays"},
		{40, 40, false, "version 40, which stays"},
		{44, 44, false, "version 44, which stays"},
		{39, 39, true, "version 39, which stays"},
		{38, 39, true, "version 38, which stays"},
	} {
		if got := history.Versions(c.from, c.to, c.down); got != c.want {
			t.Errorf("%d to %d, down %t: %s, not %s", c.from, c.to, c.down, got, c.want)
		}
	}
}
