package sqltext

import "testing"

func TestDollar(t *testing.T) {
	for text, want := range map[string]string{
		"SELECT 1":          "$rekey$SELECT 1$rekey$",
		"a $rekey$ b":       "$rekey1$a $rekey$ b$rekey1$",
		"$rekey$ $rekey1$":  "$rekey2$$rekey$ $rekey1$$rekey2$",
		"ends with $rekey":  "$rekey1$ends with $rekey$rekey1$",
		"it's a \\ and a $": "$rekey$it's a \\ and a $$rekey$",
	} {
		if got := Dollar(text); got != want {
			t.Errorf("%s became %s, not %s", text, got, want)
		}
	}
}
