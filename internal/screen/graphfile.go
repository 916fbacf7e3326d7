package screen

import (
	"fmt"
	"strings"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/internal/visible"
)

// GraphFormats returns the formats of a plan: text, and the formats of Graph.
func GraphFormats() []string { return []string{"text", "dot", "mermaid"} }

// Graph returns the references of a plan as a graph for Graphviz (dot) or Mermaid: an arrow from each table to the table that it
// refers to, with its column and state.
func Graph(doc rekey.Plan, format string) string {
	if format == "mermaid" {
		return mermaid(doc)
	}
	return dot(doc)
}

// keyLabel returns how far a primary key is that switches or has switched, "" for others, and the number of the table's borders: two
// when it has switched.
func keyLabel(keys []rekey.Key, table string) (label string, borders int) {
	for _, k := range keys {
		if k.Table != table || k.State == rekey.Skipped || k.Progress == rekey.KeyInteger {
			continue
		}
		if k.Progress == rekey.KeySwitched || k.Progress == rekey.KeyContracted {
			return string(k.Progress), 2
		}
		return string(k.Progress), 1
	}
	return "", 1
}

func dot(doc rekey.Plan) string {
	styles := map[string]string{"linked": "solid", "contracted": "solid", "refused": "dotted", "skipped": "dotted"}
	quote := func(text string) string {
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "&", "&amp;").Replace(visible.Line(text)) + `"`
	}
	var text strings.Builder
	fmt.Fprintf(&text, "digraph %s {\n  rankdir = LR;\n  node [shape = box];\n", quote(doc.Schema))
	for _, name := range tablesOfEdges(doc.Edges) {
		if key, borders := keyLabel(doc.Keys, name); key != "" {
			fmt.Fprintf(&text, "  %s [label = %s, peripheries = %d];\n", quote(name), quote(name+" ("+key+")"), borders)
			continue
		}
		fmt.Fprintf(&text, "  %s;\n", quote(name))
	}
	for _, e := range doc.Edges {
		state := edgeState(e, doc.Command)
		style, known := styles[state]
		if !known {
			style = "dashed"
		}
		fmt.Fprintf(&text, "  %s -> %s [label = %s, style = %s];\n", quote(e.Table), quote(e.Parent), quote(e.Column+" ("+state+")"), style)
	}
	return text.String() + "}\n"
}

// maxMermaidEdges is the number of edges that Mermaid draws by default. A diagram cannot raise it.
const maxMermaidEdges = 500

func mermaid(doc rekey.Plan) string {
	quote := func(text string) string {
		return `"` + strings.NewReplacer("#", "#35;", `\`, "#92;", "&", "#amp;", `"`, "#quot;", "<", "#lt;", ">", "#gt;").Replace(visible.Line(text)) + `"`
	}
	var text strings.Builder
	text.WriteString("flowchart LR\n")
	if len(doc.Edges) > maxMermaidEdges {
		text.WriteString("  %% more than 500 edges: Mermaid needs maxEdges in mermaid.initialize\n")
	}
	nodes := map[string]string{}
	for i, name := range tablesOfEdges(doc.Edges) {
		nodes[name] = fmt.Sprintf("t%d", i+1)
		label, open, closed := name, "[", "]"
		if key, borders := keyLabel(doc.Keys, name); key != "" {
			label, open, closed = name+" ("+key+")", strings.Repeat("[", borders), strings.Repeat("]", borders)
		}
		fmt.Fprintf(&text, "  %s%s%s%s\n", nodes[name], open, quote(label), closed)
	}
	for _, e := range doc.Edges {
		arrow, state := "-.->", edgeState(e, doc.Command)
		if state == string(rekey.EdgeLinked) || state == string(rekey.EdgeContracted) {
			arrow = "-->"
		}
		fmt.Fprintf(&text, "  %s %s|%s| %s\n", nodes[e.Table], arrow, quote(e.Column+" ("+state+")"), nodes[e.Parent])
	}
	return text.String()
}
