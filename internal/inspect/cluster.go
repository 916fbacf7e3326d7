package inspect

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

const (
	nodeConnectTimeout = 5 * time.Second  // for the cluster's own connections to its nodes
	nodeAnswerTimeout  = 15 * time.Second // for the answers of all nodes
)

// readCluster reads the cluster. If rekey does not support it, it reads only the versions, and on another node than the coordinator only
// the versions and the nodes.
func readCluster(ctx context.Context, pool *pgxpool.Pool, cluster *catalog.Cluster) error {
	err := pg.Read(ctx, pool, func(tx pg.Tx) error {
		cluster.Nodes = nil
		err := tx.QueryRow(ctx, queryText("cluster")).Scan(&cluster.Library, &cluster.Extension, &cluster.Group)
		if err != nil || !cluster.Supported() {
			return err
		}
		if cluster.Nodes, err = rows[catalog.Node](ctx, tx, "cluster_nodes"); err != nil || !cluster.OnCoordinator() {
			return err
		}
		cluster.Moves, err = ShardMoves(ctx, tx)
		return err
	})
	if err != nil || !cluster.Supported() || !cluster.OnCoordinator() {
		return err
	}
	return askNodes(ctx, pool, cluster)
}

// ShardMoves reads the moves, copies, splits and rebalances that have not ended, on the coordinator.
func ShardMoves(ctx context.Context, tx pg.Tx) ([]catalog.ShardMove, error) {
	return rows[catalog.ShardMove](ctx, tx, "cluster_moves")
}

// nodeAnswer has the versions and the prepared transactions of a node.
type nodeAnswer struct {
	Library   string          `json:"library"`
	Extension string          `json:"extension"`
	Pending   []pendingAnswer `json:"pending"`
}

type pendingAnswer struct {
	GID string  `json:"gid"`
	Age float64 `json:"age"`
}

type answerRow struct {
	ID      int32
	Success bool
	Result  string
}

// askNodes sets the versions, or the fault, of each active primary node, and the pending transactions of all of them. If one does not
// answer in time, askNodes asks each node alone.
func askNodes(ctx context.Context, pool *pgxpool.Pool, cluster *catalog.Cluster) error {
	answers, err := nodeAnswers(ctx, pool)
	if timedOut(err) {
		return findSilent(ctx, pool, cluster)
	}
	if err != nil {
		return err
	}
	for i := range cluster.Nodes {
		n := &cluster.Nodes[i]
		if !n.Active || !n.Primary {
			continue
		}
		at := slices.IndexFunc(answers, func(r answerRow) bool { return r.ID == n.ID })
		if at < 0 {
			n.Fault = "the cluster does not ask it"
			continue
		}
		cluster.Pending = append(cluster.Pending, answers[at].describe(n)...)
	}
	return nil
}

// describe sets the versions or the fault of the node from its answer, and returns its pending transactions.
func (r answerRow) describe(n *catalog.Node) (pending []catalog.PendingTransaction) {
	var answer nodeAnswer
	if !r.Success {
		n.Fault = strings.Replace(strings.TrimPrefix(r.Result, "ERROR:  "), "failed to connect", "could not connect", 1)
		return nil
	}
	if err := json.Unmarshal([]byte(r.Result), &answer); err != nil {
		n.Fault = "its answer cannot be read: " + err.Error()
		return nil
	}
	n.Library, n.Extension = answer.Library, answer.Extension
	for _, p := range answer.Pending {
		pending = append(pending, catalog.PendingTransaction{Node: n.Address(), GID: p.GID, Age: p.Age})
	}
	return pending
}

func nodeAnswers(ctx context.Context, pool *pgxpool.Pool) (answers []answerRow, err error) {
	settings := pg.Settings{ReadOnly: true, Snapshot: true, Statement: nodeAnswerTimeout}
	err = pg.Retry(ctx, func() error {
		return pg.Run(ctx, pool, settings, func(tx pg.Tx) error {
			if err := boundNodes(ctx, tx); err != nil {
				return err
			}
			answers, err = rows[answerRow](ctx, tx, "cluster_answers", queryText("cluster_node"))
			return err
		})
	})
	return answers, err
}

// boundNodes bounds the time that the cluster needs to find that a node cannot be reached.
func boundNodes(ctx context.Context, tx pg.Tx) error {
	_, err := tx.Exec(ctx, "SET LOCAL citus.node_connection_timeout = "+strconv.FormatInt(nodeConnectTimeout.Milliseconds(), 10))
	return err
}

// findSilent sets the fault of each node that does not answer alone. A node that answers alone has the fault that all of them did not.
func findSilent(ctx context.Context, pool *pgxpool.Pool, cluster *catalog.Cluster) error {
	settings := pg.Settings{ReadOnly: true, Snapshot: true, Statement: nodeConnectTimeout + time.Second}
	found := false
	for i := range cluster.Nodes {
		n := &cluster.Nodes[i]
		if !n.Active || !n.Primary {
			continue
		}
		var answers bool
		err := pg.Run(ctx, pool, settings, func(tx pg.Tx) error {
			if err := boundNodes(ctx, tx); err != nil {
				return err
			}
			return tx.QueryRow(ctx, queryText("cluster_connection"), n.Host, int64(n.Port)).Scan(&answers)
		})
		if err != nil && !timedOut(err) {
			return err
		}
		if err != nil || !answers {
			n.Fault, found = "no answer came in time", true
		}
	}
	for i := range cluster.Nodes {
		if n := &cluster.Nodes[i]; !found && n.Active && n.Primary {
			n.Fault = "the nodes did not answer within " + nodeAnswerTimeout.String()
		}
	}
	return nil
}

// queryCanceled is the SQLSTATE of a statement that statement_timeout has ended.
const queryCanceled = "57014"

func timedOut(err error) bool {
	refusal, ok := errors.AsType[*pgconn.PgError](err)
	return ok && refusal.Code == queryCanceled || errors.Is(err, context.DeadlineExceeded)
}

// sharding returns the query for how the relations are spread over the cluster.
func sharding(oids []int64, at map[int64]*catalog.Table) pg.Query {
	type shardingRow struct {
		Relation int64
		catalog.Sharding
	}
	return query("sharding", func(r shardingRow) { at[r.Relation].Sharding = &r.Sharding }, oids)
}

// sizeOfShards has the sizes of a table's shards on one node.
type sizeOfShards struct {
	Table string  `json:"table"`
	Pages int64   `json:"pages"`
	Bytes int64   `json:"bytes"`
	Rows  float64 `json:"rows"`
}

// readShardSizes replaces the sizes of the sharded tables, whose own relations on the coordinator are empty, by the sizes of their shards.
// Each node adds up what it has, so that neither the work nor the answers grow with the shards. A table on a node that does not
// answer counts as empty there.
func readShardSizes(ctx context.Context, tx pg.Tx, at map[int64]*catalog.Table) error {
	sharded := map[string]*catalog.Table{}
	for _, t := range at {
		if t.Sharding != nil && t.Kind == catalog.Ordinary {
			sharded[sqltext.Qualified(t.Schema, t.Name)] = t
		}
	}
	if len(sharded) == 0 {
		return nil
	}
	sizes, err := askShards[sizeOfShards](ctx, tx, "shard_sizes", slices.Sorted(maps.Keys(sharded)))
	if err != nil {
		return err
	}
	for _, t := range sharded {
		t.Pages, t.Bytes, t.Rows = 0, 0, 0
	}
	placed := map[string]bool{}
	for _, size := range sizes {
		t := sharded[size.Table]
		if t == nil || t.Sharding.Kind == catalog.ReferenceTable && placed[size.Table] {
			continue // all placements of a reference table have the same rows
		}
		placed[size.Table] = true
		t.Pages, t.Bytes, t.Rows = t.Pages+size.Pages, t.Bytes+size.Bytes, t.Rows+size.Rows
	}
	return nil
}

// askShards runs a statement about the shards of tables, whose names are quoted, on all nodes, and returns what they answer.
func askShards[T any](ctx context.Context, tx pg.Tx, statement string, tables []string) (all []T, err error) {
	names := make([]string, len(tables))
	for i, name := range tables {
		names[i] = sqltext.Literal(name)
	}
	if err := boundStatement(ctx, tx, nodeAnswerTimeout); err != nil {
		return nil, err
	}
	text := strings.Replace(queryText(statement), "{shards}", "\n"+queryText("shards_here"), 1)
	text = strings.Replace(text, "{tables}", strings.Join(names, ", "), 1)
	answers, err := rows[answerRow](ctx, tx, "cluster_answers", text)
	for _, r := range answers {
		var found []T
		if r.Success {
			err = errors.Join(err, json.Unmarshal([]byte(r.Result), &found))
		}
		all = append(all, found...)
	}
	if err != nil {
		return nil, err
	}
	return all, boundStatement(ctx, tx, 0)
}

// boundStatement bounds the statements of the transaction, and what the cluster needs to find that a node cannot be reached.
func boundStatement(ctx context.Context, tx pg.Tx, most time.Duration) error {
	if err := boundNodes(ctx, tx); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, "SET LOCAL statement_timeout = "+strconv.FormatInt(most.Milliseconds(), 10))
	return err
}
