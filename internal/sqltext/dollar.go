package sqltext

import (
	"fmt"
	"strings"
)

// Dollar returns the text as a dollar-quoted string constant, in which SQL stays readable. The tag is the first of $rekey$,
// $rekey1$ … that the text does not contain.
func Dollar(text string) string {
	tag := "$rekey$"
	for n := 1; strings.Contains(text+"$", tag[:len(tag)-1]); n++ {
		tag = fmt.Sprintf("$rekey%d$", n)
	}
	return tag + text + tag
}
