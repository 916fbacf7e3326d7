package sqltext

import (
	"io/fs"
	"strings"
)

// Template returns the file templates/NAME.sql with each {name} replaced by the value that follows the name in values. The
// values are SQL text, already quoted. Template panics if there is no such file, since templates are embedded.
func Template(files fs.FS, name string, values ...string) string {
	text, err := fs.ReadFile(files, "templates/"+name+".sql")
	if err != nil {
		panic(err)
	}
	pairs := make([]string, len(values))
	for i, value := range values {
		if i%2 == 0 {
			value = "{" + value + "}"
		}
		pairs[i] = value
	}
	return strings.TrimSpace(strings.NewReplacer(pairs...).Replace(string(text)))
}
