package screen

import (
	"fmt"

	"github.com/rekey-pg/rekey"
)

// copies returns a line on the reference tables whose copies are equal, and one for each reason why others were not compared.
func copies(tables []rekey.TableReport) (lines []string) {
	var equal []string
	nodes := 0
	why := map[string][]string{}
	var reasons []string
	for _, t := range tables {
		switch c := t.Copies; {
		case c == nil || len(c.Differ) > 0: // a difference has its own line
		case c.NotCompared != "":
			if why[c.NotCompared] == nil {
				reasons = append(reasons, c.NotCompared)
			}
			why[c.NotCompared] = append(why[c.NotCompared], t.Table)
		default:
			equal, nodes = append(equal, t.Table), max(nodes, c.Nodes)
		}
	}
	if len(equal) > 0 {
		lines = append(lines, fmt.Sprintf("Reference tables: %s, the same keys and uuids on %s.", few(equal), plural(nodes, "node", "nodes")))
	}
	for _, reason := range reasons {
		lines = append(lines, fmt.Sprintf("Copies on other nodes not compared in %s: %s.", few(why[reason]), reason))
	}
	return lines
}
