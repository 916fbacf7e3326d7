package verify

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/cluster"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

const (
	// copyAttempts is how often the copies are read before what differs in all readings is a difference: the nodes have no common
	// snapshot, and applications write in the meantime.
	copyAttempts = 5
	copyPause    = 200 * time.Millisecond
)

// partDigest is the digest of the rows of one part of a copy; rows are put into parts by a hash.
type partDigest struct {
	Rows int64
	Sum  string
}

// copyDigest is the digest of a copy by part. A part without rows is missing.
type copyDigest map[int32]partDigest

// checkCopies compares the keys and uuids of all copies of a reference table; nil for any other table. Each node computes a digest of
// its own copy.
func (r *nodeReader) checkCopies(ctx context.Context, t step.Target, table *catalog.Table) (*CopiesReport, error) {
	c := table.Column(t.Column)
	if table.Sharding == nil || table.Sharding.Kind != catalog.ReferenceTable || c == nil {
		return nil, nil //nolint:nilnil // the table has no copies to compare
	}
	copies, err := r.copiesOf(ctx, table)
	if err != nil {
		return nil, err
	}
	report := &CopiesReport{Nodes: len(copies)}
	digests, differing, err := r.compare(ctx, copies, append(slices.Clone(table.PrimaryKey()), t.Column))
	switch reason := notRead(err); {
	case errors.Is(err, cluster.ErrMoved):
		report.NotCompared = "copies were made or dropped while they were read"
	case reason != "":
		report.NotCompared = reason
	case err != nil:
		return nil, err
	case len(differing) > 0:
		report.Differ = describeCopies(copies, digests, differing)
	}
	return report, nil
}

// copiesOf returns the copies of a reference table, the coordinator's first.
func (r *nodeReader) copiesOf(ctx context.Context, table *catalog.Table) (copies []cluster.Placement, err error) {
	err = pg.Read(ctx, r.coordinator, func(tx pg.Tx) error {
		copies = nil
		nodes, err := cluster.NodesOf(ctx, tx, table.OID)
		if err != nil {
			return err
		}
		for _, node := range nodes {
			shards, err := cluster.NextShards(ctx, tx, table.OID, node.Group, 0) // a reference table has one
			if err != nil {
				return err
			}
			for _, shard := range shards {
				copies = append(copies, cluster.Placement{Shard: shard, Node: node})
			}
		}
		return nil
	})
	return copies, err
}

// compare reads the copies until no part differs in all readings. It returns the last reading and the parts that always differ.
func (r *nodeReader) compare(ctx context.Context, copies []cluster.Placement, columns []string) (digests []copyDigest, differing map[int32]bool, err error) {
	for attempt := range copyAttempts {
		if attempt > 0 {
			if err := wait(ctx, time.Duration(attempt)*copyPause); err != nil {
				return nil, nil, err
			}
		}
		if digests, err = r.digests(ctx, copies, columns); err != nil {
			return nil, nil, err
		}
		now := differingParts(digests)
		if differing == nil {
			differing = now
		}
		maps.DeleteFunc(differing, func(part int32, _ bool) bool { return !now[part] })
		if len(differing) == 0 {
			break
		}
	}
	return digests, differing, nil
}

// digests reads all copies side by side.
func (r *nodeReader) digests(ctx context.Context, copies []cluster.Placement, columns []string) ([]copyDigest, error) {
	digests, errs := make([]copyDigest, len(copies)), make([]error, len(copies))
	var all sync.WaitGroup
	for i, one := range copies {
		all.Go(func() {
			errs[i] = r.read(ctx, one, func(tx pg.Tx, table catalog.Table) (err error) {
				digests[i], err = readDigest(ctx, tx, table.Named(), columns)
				return err
			})
		})
	}
	all.Wait()
	return digests, errors.Join(errs...)
}

// digestSQL returns the query of a digest. The sums do not depend on the order of the rows.
func digestSQL(table sqltext.Table, columns []string) string {
	names := make([]string, len(columns))
	for i, name := range columns {
		names[i] = sqltext.Format("{}", sqltext.Name(name))
	}
	return "SELECT ('x' || left(h, 2))::bit(8)::int4, count(*), sum(('x' || right(h, 15))::bit(60)::int8)::text" +
		" FROM (SELECT md5(ROW(" + strings.Join(names, ", ") + ")::text) AS h" + sqltext.Format(" FROM {}) AS hashed GROUP BY 1", table)
}

func readDigest(ctx context.Context, tx pg.Tx, table sqltext.Table, columns []string) (copyDigest, error) {
	if _, err := tx.Exec(ctx, "SET LOCAL TimeZone = 'UTC'"); err != nil { // keys of this type are compared as texts
		return nil, err
	}
	digest := copyDigest{}
	found, err := tx.Query(ctx, digestSQL(table, columns))
	if err != nil {
		return nil, err
	}
	var part int32
	var one partDigest
	_, err = pgx.ForEachRow(found, []any{&part, &one.Rows, &one.Sum}, func() error {
		digest[part] = one
		return nil
	})
	return digest, err
}

// differingParts returns the parts in which a copy differs from the first one.
func differingParts(digests []copyDigest) map[int32]bool {
	differing := map[int32]bool{}
	for _, other := range digests[min(1, len(digests)):] {
		for _, part := range slices.Concat(slices.Collect(maps.Keys(digests[0])), slices.Collect(maps.Keys(other))) {
			if digests[0][part] != other[part] {
				differing[part] = true
			}
		}
	}
	return differing
}

// describeCopies returns a sentence for each copy that differs from the first one in one of the parts.
func describeCopies(copies []cluster.Placement, digests []copyDigest, differing map[int32]bool) (lines []string) {
	for i := 1; i < len(copies); i++ {
		differs, more := false, int64(0)
		for part := range differing {
			first, other := digests[0][part], digests[i][part]
			differs, more = differs || first != other, more+other.Rows-first.Rows
		}
		here, there := copies[i].Node.Address(), copies[0].Node.Address()
		switch {
		case !differs:
		case more > 0:
			lines = append(lines, fmt.Sprintf("node %s has %s more than node %s", here, message.Counted(more, "row", "rows"), there))
		case more < 0:
			lines = append(lines, fmt.Sprintf("node %s has %s fewer than node %s", here, message.Counted(-more, "row", "rows"), there))
		default:
			lines = append(lines, fmt.Sprintf("node %s has other keys or uuids than node %s", here, there))
		}
	}
	return lines
}

// differences returns one line for each copy that differs.
func (c *CopiesReport) differences(table string) (lines []string) {
	if c == nil {
		return nil
	}
	for _, line := range c.Differ {
		lines = append(lines, table+": "+line)
	}
	return lines
}

func wait(ctx context.Context, pause time.Duration) error {
	select {
	case <-time.After(pause):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
