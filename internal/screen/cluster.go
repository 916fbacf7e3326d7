package screen

import (
	"strconv"
	"strings"

	"github.com/rekey-pg/rekey"
)

// clusterHead adds one sentence about the cluster.
func (p *page) clusterHead(c *rekey.Cluster) {
	if c == nil {
		return
	}
	text := "Citus " + c.Citus
	if c.Coordinator != "" {
		text += ", coordinator " + c.Coordinator
	}
	withShards := 0
	for _, n := range c.Nodes {
		if n.Shards {
			withShards++
		}
	}
	text += ", " + plural(withShards, "node", "nodes") + " for shards"
	if c.MaxPerNode > 0 {
		text += ", at most " + plural(c.MaxPerNode, "connection", "connections") + " to each (--max-per-node)"
	}
	p.add(text + ".")
}

// placementWidth is the width of the columns before the names of the tables.
const placementWidth = 48

// placements lists how the tables are spread over the cluster. Tables that are spread in the same way share a line.
func (p *page) placements(doc rekey.Plan) {
	if doc.Cluster == nil {
		return
	}
	type line struct {
		cells  []string
		tables []string
	}
	var lines []*line
	for _, g := range doc.Groups {
		if g.State == "" || g.Edge != "" || g.Key != "" {
			continue
		}
		cells := placement(g.Sharding)
		at := -1
		for i, one := range lines {
			if strings.Join(one.cells, "\n") == strings.Join(cells, "\n") {
				at = i
			}
		}
		if at < 0 {
			lines, at = append(lines, &line{cells: cells}), len(lines)
		}
		lines[at].tables = append(lines[at].tables, g.Table)
	}
	if lines == nil {
		return
	}
	rows := [][]string{{"SPREAD", "BY", ">SHARDS", ">NODES", "TABLES"}}
	for _, one := range lines {
		rows = append(rows, append(one.cells, someNames(one.tables, p.width-placementWidth)))
	}
	p.lines("")
	p.lines(alignWithin(rows, p.width)...)
}

// placement returns the cells of a table: the kind, the distribution column, the shards and the nodes.
func placement(s *rekey.Sharding) []string {
	if s == nil {
		return []string{"not in the cluster", "", "", "1"}
	}
	return []string{string(s.Kind), s.Column, Count(int64(s.Shards)), strconv.Itoa(s.Nodes)}
}

// someNames returns as many names of a list as fit into a width, at least one, and the number of the others.
func someNames(names []string, width int) string {
	text := strings.Join(names, ", ")
	for n := len(names) - 1; n > 0 && len(text) > width; n-- {
		text = strings.Join(names[:n], ", ") + " and " + strconv.Itoa(len(names)-n) + " more"
	}
	return text
}
