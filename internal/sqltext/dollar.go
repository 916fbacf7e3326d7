package sqltext

import (
	"fmt"
	"strings"
)

// Dollar quotes a text that is itself SQL as a string constant between dollar signs, which leaves it
// readable. The tag is the first of $rekey$, $rekey1$ … that does not occur in the text.
func Dollar(text string) string {
	tag := "$rekey$"
	for n := 1; strings.Contains(text+"$", tag[:len(tag)-1]); n++ {
		tag = fmt.Sprintf("$rekey%d$", n)
	}
	return tag + text + tag
}
