package probe

import (
	"context"
	_ "embed"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey/internal/impact"
)

//go:embed queries/activity.sql
var activityQuery string

// The counters of checkpoints, and the version that has moved them to a view of their own.
const (
	bgwriterCounters     = "(SELECT checkpoints_timed + checkpoints_req + buffers_checkpoint FROM pg_stat_bgwriter)"
	checkpointerCounters = "(SELECT num_timed + num_requested + buffers_written FROM pg_stat_checkpointer)"
	firstCheckpointer    = 17
)

// activitySQL returns the query of the server's activity.
func activitySQL(major int, table uint32) string {
	counters := bgwriterCounters
	if major >= firstCheckpointer {
		counters = checkpointerCounters
	}
	return strings.NewReplacer("{checkpoints}", counters, "{table}", strconv.FormatUint(uint64(table), 10)).Replace(activityQuery)
}

// activity reads the server's activity. A server or a role that does not show it has none.
func (p *Probe) activity(ctx context.Context, conn *pgx.Conn) {
	p.mu.Lock()
	table := p.table.OID
	p.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, slowest)
	defer cancel()
	results, err := conn.PgConn().Exec(ctx, activitySQL(p.config.Major, table)).ReadAll()
	if err != nil || len(results) == 0 || len(results[0].Rows) != 1 {
		return
	}
	row := results[0].Rows[0]
	number := func(i int) int64 {
		n, _ := strconv.ParseInt(string(row[i]), 10, 64)
		return n
	}
	p.config.Activity(impact.Activity{
		At: time.Now(), Checkpoint: number(0), Segment: number(1), Beyond: string(row[2]) == "t", Autovacuum: string(row[3]) == "t",
	})
}
