package plan

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/rekey-pg/rekey/internal/catalog"
)

// wide returns the input of up to the phase linked for a schema of many tables, and of references between them. One in ten
// columns that refer to a table has an index, one in a hundred of the foreign keys closes a cycle.
func wide(tables, references int) Input {
	s := schemaRun()
	s.Goal, s.Schema.Relations = Linked, make([]catalog.Table, tables)
	for i := range s.Schema.Relations {
		s.Schema.Relations[i] = newTable(fmt.Sprintf("table_%d", i), uint32(10+i))
		addColumn(&s.Schema.Relations[i], catalog.Column{Name: "created_at", Type: "timestamp with time zone", Length: 8, Alignment: 8, NotNull: true})
	}
	draw := rand.New(rand.NewPCG(1, 2))
	for n := range references {
		child := 1 + draw.IntN(tables-1)
		parent := draw.IntN(child)
		if n%100 == 0 {
			parent = draw.IntN(tables)
		}
		table, column := &s.Schema.Relations[child], fmt.Sprintf("of_%d_id", n)
		refer(table, column, &s.Schema.Relations[parent])
		if n%10 == 0 {
			index := uniqueIndex(fmt.Sprintf("%s_%s_idx", table.Name, column), column)
			index.Unique = false
			table.Indexes = append(table.Indexes, index)
		}
	}
	s.Schema.SetPlaces()
	return s
}

func BenchmarkBuild(b *testing.B) {
	for _, size := range [][2]int{{500, 1000}, {5000, 10000}} {
		b.Run(fmt.Sprintf("%d tables, %d references", size[0], size[1]), func(b *testing.B) {
			s := wide(size[0], size[1])
			b.ReportAllocs()
			for b.Loop() {
				if p := Build(s); len(p.Refusals) > 0 || len(p.Edges()) != size[1] {
					b.Fatalf("%d edges, refusals: %.300s", len(p.Edges()), fmt.Sprint(p.Refusals))
				}
			}
		})
	}
}
