package screen

import (
	"strings"
	"testing"
	"time"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
)

func expensive() rekey.Plan {
	cost := func(table string, rows int64, took time.Duration) rekey.Cost {
		return rekey.Cost{
			Table: table, Rows: rows, Gentle: 6 * took, Normal: took, Full: took * 2 / 3, WAL: rows * 500, TableBefore: rows * 200, TableAfter: rows * 230,
			IndexesBefore: rows * 60, IndexesAfter: rows * 100, Peak: rows * 300, HeapOnly: 0.84,
		}
	}
	doc := rekey.Plan{Command: rekey.Up, Schema: "app", Server: "18.4", Database: "shop", Role: "owner", To: rekey.Expanded, Forecast: &rekey.Forecast{
		Calibrated: true, Processor: 0.9, Pace: rekey.PaceNormal, All: cost("", 22_000_100, 4*time.Minute),
		Groups: []rekey.Cost{cost("app.orders", 2_000_000, 20*time.Second), cost("app.items_of_the_orders_of_every_customer_there_is_in_all_shops", 20_000_000, 3*time.Minute), cost("app.tiny", 100, time.Millisecond)},
	}}
	doc.Risks = []rekey.Risk{
		{Name: rekey.RiskDisk, Message: "the run needs up to 6.3 GB more on the disk, and 5.0 GB are free in /var/lib/postgresql/18/main", Hint: "Make space, or run on fewer tables at a time: --tables"},
		{Name: rekey.RiskLongTransaction, Message: "a transaction is open for 3 h (pid 4711, \x1b[31mreport, idle in transaction)", Detail: "While it is open no dead row can be removed.", Hint: "Wait for its end, or end it: SELECT pg_terminate_backend(4711)"},
	}
	return doc
}

func TestForecastFitsEveryWidth(t *testing.T) {
	golden(t, "forecast.txt", Plan(expensive(), Next{}, 80))
	for _, width := range []int{60, 80, 120} {
		for line := range strings.Lines(Plan(expensive(), Next{}, width)) {
			if columns(strings.TrimSuffix(line, "\n")) > width || strings.Contains(line, "\x1b") {
				t.Errorf("%d columns: %q", width, line)
			}
		}
	}
	small := expensive()
	small.Forecast.All.TableBefore, small.Forecast.All.IndexesBefore, small.Risks = 1000, 0, nil
	if text := Plan(small, Next{}, 80); strings.Contains(text, "FORECAST") || strings.Contains(text, "Risks") {
		t.Error(text)
	}
}

func TestForecastOfSmallTablesIsALine(t *testing.T) {
	many := expensive()
	many.Forecast.Groups = many.Forecast.Groups[2:]
	text := Plan(many, Next{}, 80)
	if !strings.Contains(text, "Forecast at pace normal: 4 min") || strings.Contains(text, "FORECAST") {
		t.Error(text)
	}
}

func TestCostsSideBySide(t *testing.T) {
	expected := []event.Forecast{{Table: "app.orders"}, {Cost: event.Cost{Rows: 10, Elapsed: 20 * time.Second, WAL: 1 << 30, After: 3 << 30, HeapOnly: 0.84}}}
	actual := []event.Measured{{Cost: event.Cost{Rows: 10, Elapsed: 25 * time.Second, WAL: 1100 << 20, Before: 2 << 30, After: 2900 << 20, HeapOnly: 0.8}}}
	golden(t, "costs.txt", Costs(expected, actual, 80))
	if Costs(nil, actual, 80) != "" || Costs(expected, nil, 80) != "" {
		t.Error("costs of one side only")
	}
}
